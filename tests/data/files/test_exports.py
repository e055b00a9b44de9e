"""What teams' exports hold beside plain columns: dashes, totals, rates, other languages, thousands or decimals."""

import warnings

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

WEEKS = 40


@pytest.fixture
def plain():
    rng = np.random.default_rng(5)
    imp = rng.integers(1_000, 90_000, WEEKS)
    clicks = rng.integers(100, 9_000, WEEKS)
    table = pd.DataFrame({"week": pd.date_range("2023-01-02", periods=WEEKS, freq="7D").strftime("%Y-%m-%d")})
    table["sales"] = rng.uniform(4_000, 6_000, WEEKS).round(2)
    table["tv_impressions"], table["tv_spend"] = imp, (0.05 * imp).round(2)
    table["search_clicks"], table["search_spend"] = clicks, (0.4 * clicks).round(2)
    table["price"] = rng.uniform(8, 12, WEEKS).round(2)
    return table


def read(table, tmp_path, csv=None, **options):
    path = tmp_path / "file.csv"
    table.to_csv(path, index=False, **(csv or {}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = dcm.read_panel(path, **options)
    return panel, " ".join(str(one.message) for one in caught)


@pytest.mark.parametrize("mark", ["-", "--", "n.a.", "#DIV/0!"])
@pytest.mark.parametrize("every", [2, 10])
def test_a_mark_for_nothing_among_exposure_is_asked_about(plain, tmp_path, mark, every):
    off = np.arange(WEEKS) % every != 0
    plain["tv_impressions"] = plain["tv_impressions"].astype(str).where(~off, mark)
    with pytest.raises(
        dcm.DataError, match="Column 'tv_impressions' has '.*' in row 2 and numbers in .* others; correct"
    ):
        read(plain, tmp_path)


@pytest.mark.parametrize("name", ["total_spend", "marketing_budget", "media_cost", "Total Ad Spend"])
def test_the_spend_of_all_channels_is_no_channel(plain, tmp_path, name):
    plain[name] = plain["tv_spend"] + plain["search_spend"]
    panel, said = read(plain, tmp_path)
    assert panel.channels == ("tv_impressions", "search_clicks")
    assert f"{name} is not used: a total of the channels" in said


def test_a_single_channel_may_be_called_total(tmp_path, plain):
    table = plain[["week", "sales", "price"]].assign(total_impressions=plain.tv_impressions, total_spend=plain.tv_spend)
    panel, said = read(table, tmp_path)
    assert panel.channels == ("total_impressions",)
    np.testing.assert_allclose(panel.spend[0, :, 0], plain.tv_spend)
    assert said == ""


@pytest.mark.parametrize("name", ["tv_spend_usd", "tv_net_spend", "tv_spend_plan", "tv_spend_last_year"])
def test_two_spends_of_a_channel_are_asked_about(plain, tmp_path, name):
    with pytest.raises(dcm.DataError, match=f"Columns 'tv_spend' and '{name}' may both be the spend"):
        read(plain.assign(**{name: 1.1 * plain["tv_spend"]}), tmp_path)


def test_a_currency_in_the_name_of_a_spend_is_none_of_the_channel(plain, tmp_path):
    panel, _ = read(plain.rename(columns={"tv_spend": "tv_spend_eur", "search_spend": "Search cost (USD)"}), tmp_path)
    np.testing.assert_allclose(panel.spend[0, :, 0], plain.tv_spend)
    np.testing.assert_allclose(panel.spend[0, :, 1], plain.search_spend)


@pytest.mark.parametrize("name", ["tv_cpm", "cost_per_click", "avg_spend_per_visit", "search_ctr"])
def test_a_rate_of_media_is_neither_exposure_nor_control(plain, tmp_path, name):
    panel, said = read(plain.assign(**{name: np.linspace(1.0, 2.0, WEEKS) ** 2}), tmp_path)
    assert (panel.channels, panel.controls) == (("tv_impressions", "search_clicks"), ("price",))
    assert f"{name} is not used" in said


def test_spend_on_something_without_a_medium_is_said(plain, tmp_path):
    panel, said = read(plain.assign(cost_of_living=np.linspace(100.0, 120.0, WEEKS) ** 1.5), tmp_path)
    assert "cost_of_living" in panel.channels
    assert "cost_of_living is a channel, since the name says spend" in said


NAMES = {
    "German": ("Woche", "Umsatz", "TV Impressionen", "TV Kosten", "Search Klicks", "Search Kosten", "Preis"),
    "German, spend first": ("KW", "Absatz", "TV GRP", "Werbekosten TV", "Search Klicks", "Ausgaben Search", "Preis"),
    "French": ("semaine", "ventes", "impressions_tv", "coût_tv", "clics_search", "dépenses_search", "prix"),
    "Spanish": ("fecha", "ventas", "impresiones_tv", "gasto_tv", "clics_search", "coste_search", "precio"),
}


@pytest.mark.parametrize("language", NAMES)
def test_names_in_other_languages_pair_exposure_and_spend(plain, tmp_path, language):
    names = NAMES[language]
    panel, said = read(plain.set_axis(names, axis=1), tmp_path)
    assert (panel.channels, panel.controls, panel.kpi_name) == ((names[2], names[4]), (names[6],), names[1])
    np.testing.assert_allclose(panel.spend[0], plain[["tv_spend", "search_spend"]])
    assert said == ""


@pytest.mark.parametrize(("kpi", "value"), [("orders", "revenue_per_order"), ("sales", "margin_per_unit")])
def test_a_value_of_the_kpis_own_unit_is_its_revenue(plain, tmp_path, kpi, value):
    panel, _ = read(plain.rename(columns={"sales": kpi}).assign(**{value: np.linspace(50, 52, WEEKS)}), tmp_path)
    assert panel.revenue_per_kpi is not None


@pytest.mark.parametrize("kpi", ["revenue", "visits", "Umsatz"])
def test_a_value_of_another_unit_is_not_its_revenue(plain, tmp_path, kpi):
    table = plain.rename(columns={"sales": kpi}).assign(revenue_per_order=np.linspace(50, 52, WEEKS))
    panel, said = read(table, tmp_path)
    assert panel.revenue_per_kpi is None
    assert panel.controls == ("price",)
    assert "revenue_per_order is not used" in said


def whole(plain):
    counted = [name for name in plain if name != "week"]
    return plain.assign(**{name: plain[name].round().astype(int) for name in counted})


@pytest.mark.parametrize("mark", [";", "\t"])
def test_three_decimals_throughout_are_asked_about_and_can_be_stated(plain, tmp_path, mark):
    rng = np.random.default_rng(0)
    fuel = rng.uniform(1.6, 1.9, WEEKS).round(3)
    sign = "." if mark == ";" else ","
    table = whole(plain).assign(price=[f"{value:.3f}".replace(".", sign) for value in fuel])
    with pytest.raises(dcm.DataError, match="Column 'price' has .* separates thousands or decimals; set decimal="):
        read(table, tmp_path, {"sep": mark})
    decimals, _ = read(table, tmp_path, {"sep": mark}, decimal=sign, keep_schema=False)
    np.testing.assert_allclose(decimals.control[0, :, 0], fuel)
    thousands, _ = read(table, tmp_path, {"sep": mark}, decimal="," if sign == "." else ".", keep_schema=False)
    np.testing.assert_allclose(thousands.control[0, :, 0], 1000 * fuel)


def test_thousands_that_some_numbers_do_not_reach_are_read_as_such(plain, tmp_path):
    table = whole(plain)
    table["search_clicks"] = [f"{value:,}".replace(",", ".") for value in table["search_clicks"]]
    panel, _ = read(table, tmp_path, {"sep": ";"})
    np.testing.assert_allclose(panel.exposure[0, :, 1], plain["search_clicks"])


def test_another_sign_before_decimals_is_refused(plain, tmp_path):
    with pytest.raises(dcm.ConfigError, match="decimal must be '.' or ',', got ';'"):
        read(plain, tmp_path, decimal=";")


def test_decimal_commas_in_every_number_do_not_hide_the_semicolons(plain, tmp_path):
    table = plain.astype({"tv_impressions": float, "search_clicks": float})
    panel, _ = read(table, tmp_path, {"sep": ";", "decimal": ","})
    np.testing.assert_allclose(panel.kpi[0], plain.sales)


def test_percentages_beside_shares_are_asked_about(plain, tmp_path):
    share = np.linspace(0.01, 0.2, WEEKS).round(3)
    cells = [f"{100 * value:.1f}%" if at % 2 else str(value) for at, value in enumerate(share)]
    with pytest.raises(dcm.DataError, match="Column 'discount' has '.*%' beside '0.01'; write all cells"):
        read(plain.assign(discount=cells), tmp_path)


def test_reach_and_frequency_beside_impressions_are_no_controls(plain, tmp_path):
    rng = np.random.default_rng(1)
    table = plain.assign(tv_reach=rng.integers(100, 900, WEEKS), tv_frequency=rng.uniform(1, 3, WEEKS).round(2))
    panel, _ = read(table, tmp_path)
    assert (panel.channels, panel.controls) == (("tv_impressions", "search_clicks"), ("price",))


def test_days_without_a_region_are_refused_as_weeks_are(plain, tmp_path):
    days = pd.concat([plain.assign(region=region) for region in ("a", "b", "")], ignore_index=True)
    days["week"] = np.tile(pd.date_range("2024-01-01", periods=WEEKS).strftime("%Y-%m-%d"), 3)
    with pytest.raises(dcm.DataError, match="Column 'region' has no region in row 81"):
        read(days, tmp_path, region="region")


@pytest.mark.parametrize("step", [1, 7])
def test_days_as_spreadsheets_count_them_are_asked_about(plain, tmp_path, step):
    table = plain.drop(columns="week").assign(date=44927 + step * np.arange(WEEKS))
    with pytest.raises(dcm.DataError, match="Column 'date' has 44927, as spreadsheets count days .2023-01-01."):
        read(table, tmp_path)


@pytest.mark.parametrize("sales", [5050.29, 2023.55])
def test_a_kpi_of_four_digits_and_cents_is_no_date(plain, tmp_path, sales):
    table = plain.assign(week=np.arange(1, WEEKS + 1), sales=sales + 3 * np.arange(WEEKS))
    panel, _ = read(table, tmp_path)
    np.testing.assert_allclose(panel.kpi[0], table.sales)


def test_a_kpi_that_cannot_be_read_is_named_with_a_cell(plain, tmp_path):
    with pytest.raises(dcm.DataError, match="Column 'sales' is named like a KPI, but 'about 5' is no number"):
        read(plain.assign(sales="about 5"), tmp_path)


def test_a_table_with_a_row_a_channel_may_have_numbers_for_regions(plain, tmp_path):
    rows = [
        plain[["week", "sales"]].assign(
            dma=dma, channel=name, impressions=plain.tv_impressions * dma, spend=plain.tv_spend, sales=plain.sales * dma
        )
        for dma in (501, 502)
        for name in ("TV", "Radio")
    ]
    panel, _ = read(pd.concat(rows), tmp_path)
    assert panel.regions.tolist() == ["501", "502"]


def test_what_is_taken_as_a_region_without_being_called_one_is_said(plain, tmp_path):
    rng = np.random.default_rng(2)
    rows = [plain.assign(device=name, sales=plain.sales * rng.uniform(1, 2, WEEKS)) for name in ("mobile", "desktop")]
    assert "device is taken as the region" in read(pd.concat(rows), tmp_path)[1]


def test_a_schema_that_was_edited_is_not_replaced(plain, tmp_path):
    read(plain, tmp_path)
    kept = tmp_path / "file.csv.schema.toml"
    read(plain, tmp_path, controls=[])
    assert "controls = []" in kept.read_text()  # as it was written by us, it is written anew
    kept.write_text(kept.read_text().replace("controls = []", 'controls = ["price"]'))
    read(plain, tmp_path, controls=[])
    assert 'controls = ["price"]' in kept.read_text()


@pytest.mark.parametrize("place", ["pays", "land", "market_share"])
def test_numbers_that_differ_from_week_to_week_are_no_regions(plain, tmp_path, place):
    rng = np.random.default_rng(3)
    rows = [
        plain.assign(
            shop=name, sales=plain.sales * rng.uniform(1, 2, WEEKS), **{place: rng.uniform(0, 9, WEEKS).round(3)}
        )
        for name in ("a", "b", "c")
    ]
    assert read(pd.concat(rows), tmp_path)[0].regions.tolist() == ["a", "b", "c"]


def test_a_coarser_column_of_regions_does_not_hide_the_finer_one(plain, tmp_path):
    rng = np.random.default_rng(4)
    rows = [
        plain.assign(shop=name, country=country, sales=plain.sales * rng.uniform(1, 2, WEEKS))
        for name, country in (("a", "DE"), ("b", "DE"), ("c", "AT"))
    ]
    panel, said = read(pd.concat(rows), tmp_path)
    assert panel.regions.tolist() == ["a", "b", "c"]
    assert "shop is taken as the region" in said


@pytest.mark.parametrize("delimiter", ["\t", r"\t"])
def test_a_tab_may_be_written_as_shells_pass_it_on(plain, tmp_path, delimiter):
    assert read(plain, tmp_path, {"sep": "\t"}, delimiter=delimiter)[0].shape == (1, WEEKS, 2, 1)
    with pytest.raises(dcm.DataError, match="The delimiter must be one character"):
        read(plain, tmp_path, {"sep": ";"}, delimiter=";;")


def test_a_date_that_is_not_the_week_leaves_no_row_out(plain, tmp_path):
    launched = plain["week"].where(np.arange(WEEKS) < WEEKS - 3, "none yet")
    table = plain.assign(launch=launched)[["launch", *plain.columns]]
    assert read(table, tmp_path, time="week")[0].shape[1] == WEEKS


def test_a_last_row_with_figures_and_a_mistyped_date_is_refused(plain, tmp_path):
    plain.loc[WEEKS - 1, "week"] = "2024-13-01x"
    with pytest.raises(dcm.DataError, match="2024-13-01x"):
        read(plain, tmp_path, time="week")


def test_channels_of_clicks_are_no_rates(plain, tmp_path):
    names = {"tv_impressions": "google_cpc_clicks", "tv_spend": "google_cpc_cost", "search_clicks": "pay_per_click_clicks", "search_spend": "pay_per_click_spend"}  # fmt: skip
    panel, _ = read(plain.rename(columns=names), tmp_path)
    assert panel.channels == ("google_cpc_clicks", "pay_per_click_clicks")
    np.testing.assert_allclose(panel.spend[0], plain[["tv_spend", "search_spend"]])


def test_spend_that_is_not_the_sum_of_the_others_is_a_channel_whatever_its_name(tmp_path, plain):
    table = plain[["week", "sales", "price"]].assign(media_spend=plain.tv_spend, influencer_spend=plain.search_spend)
    assert read(table, tmp_path)[0].channels == ("media_spend", "influencer_spend")


def test_a_revenue_per_kpi_is_what_it_says_whatever_the_kpi(plain, tmp_path):
    table = plain.rename(columns={"sales": "revenue"}).assign(revenue_per_kpi=0.4 + 0.01 * np.sin(np.arange(WEEKS)))
    assert read(table, tmp_path)[0].revenue_per_kpi is not None


@pytest.mark.parametrize("name", ["google_kw", "brand_kw", "social_mes"])
def test_words_inside_longer_names_are_no_calendar(plain, tmp_path, name):
    panel, said = read(plain.assign(**{name: np.linspace(1, 9, WEEKS) ** 2}), tmp_path)
    assert name in panel.controls
    assert name in said


@pytest.mark.parametrize(("label", "form"), [("KW", "KW %V/%G"), ("KW", "%G-KW%V"), ("month", "%YM%m")])
def test_the_day_is_taken_before_the_number_of_its_week_or_month(plain, tmp_path, label, form):
    table = plain.rename(columns={"week": "date"})
    table[label] = pd.to_datetime(table["date"]).dt.strftime(form)
    panel, _ = read(table, tmp_path)
    assert panel.weeks[1] == pd.Timestamp("2023-01-09")


@pytest.mark.parametrize(("name", "cells"), [("email_campaign", ["spring", "2024"]), ("display_size", ["300x250", "970"]), ("tv_creative", ["A", "30"])])  # fmt: skip
def test_words_with_a_number_among_them_are_words(plain, tmp_path, name, cells):
    panel, _ = read(plain.assign(**{name: np.resize([cells[0]] * 3 + [cells[1]], WEEKS)}), tmp_path)
    assert panel.channels == ("tv_impressions", "search_clicks")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_names_with_commas_and_figures_do_not_hide_the_delimiter(plain, tmp_path, mark):
    table = plain.rename(
        columns={"sales": "sales, net", "tv_impressions": "14-49 tv_impressions", "tv_spend": "14-49 tv_spend"}
    )
    assert read(table, tmp_path, {"sep": mark}, kpi="sales, net")[0].shape == (1, WEEKS, 2, 1)


def test_money_is_grouped_by_thousands(plain, tmp_path):
    table = whole(plain)
    table["sales"] = [f"{value:,} €".replace(",", ".") for value in table["sales"]]
    np.testing.assert_allclose(read(table, tmp_path, {"sep": ";"})[0].kpi[0], plain.sales.round())


def test_percentages_in_brackets_are_percentages(plain, tmp_path):
    growth = np.resize([3.0, -1.0, 0.0], WEEKS)
    cells = [f"({-value:g}%)" if value < 0 else "-0.0" if value == 0 else f"{value:g}%" for value in growth]
    np.testing.assert_allclose(read(plain.assign(growth=cells), tmp_path)[0].control[0, :, 1], growth)


@pytest.mark.parametrize("codes", [["APAC", "EUR", "NA"], ["501", "502", "A1"]])
def test_codes_of_regions_are_names_whatever_they_look_like(plain, tmp_path, codes):
    rng = np.random.default_rng(6)
    rows = [plain.assign(geo=code, sales=plain.sales * rng.uniform(1, 2, WEEKS)) for code in codes]
    assert sorted(map(str, read(pd.concat(rows), tmp_path)[0].regions)) == sorted(codes)


def test_codes_of_shops_that_opened_late_are_regions(plain, tmp_path):
    rows = [plain.iloc[-4 * number :].assign(store=number) for number in range(3, 9)]
    assert len(read(pd.concat(rows), tmp_path, kpi="sales")[0].regions) == 6


def test_a_total_of_a_year_is_a_total(plain, tmp_path):
    total = pd.DataFrame([["Total 2023", *plain.drop(columns="week").sum()]], columns=plain.columns)
    panel, said = read(pd.concat([plain, total]), tmp_path)
    assert panel.shape[1] == WEEKS
    assert "Total 2023" in said


@pytest.mark.parametrize("name", ["Semana Santa", "gasto_competencia", "kosten_wettbewerber", "product_recalls"])
def test_a_control_in_other_words_stays_one(plain, tmp_path, name):
    values = 1.0 * (np.arange(WEEKS) % 9 == 0) + 0.1 * np.sin(np.arange(WEEKS))
    panel, _ = read(plain.assign(**{name: values}), tmp_path)
    assert panel.channels == ("tv_impressions", "search_clicks")
    assert name in panel.controls


@pytest.mark.parametrize("columns", [("tv_net", "tv_gross"), ("tv_usd",), ("tv_amount",)])
def test_money_of_a_channel_beside_its_spend_is_asked_about(plain, tmp_path, columns):
    table = plain[["week", "sales", "tv_spend", "price"]]
    with pytest.raises(dcm.DataError, match="Columns 'tv_spend' and 'tv_.*' may both be the spend"):
        read(table.assign(**{name: 1.1 * plain["tv_spend"] for name in columns}), tmp_path)


@pytest.mark.parametrize(
    "name", ["Kosten insgesamt", "Summe Kosten", "dépenses totales", "spesa totale", "totaal uitgaven"]
)
def test_totals_in_other_languages_are_no_channels(plain, tmp_path, name):
    table = plain[["week", "sales", "price"]].assign(
        **{"TV Kosten": plain.tv_spend, "Radio Kosten": plain.search_spend}
    )
    panel, said = read(table.assign(**{name: plain.tv_spend + plain.search_spend}), tmp_path)
    assert panel.channels == ("TV Kosten", "Radio Kosten")
    assert f"{name} is not used" in said


@pytest.mark.parametrize("name", ["Kosten pro Kontakt", "Coût par clic", "coste por clic"])
def test_prices_in_other_languages_are_rates(plain, tmp_path, name):
    panel, said = read(plain.assign(**{name: np.linspace(1, 2, WEEKS)}), tmp_path)
    assert panel.channels == ("tv_impressions", "search_clicks")
    assert f"{name} is not used" in said


@pytest.mark.parametrize("name", ["radio_spend_per_week", "product_listing_ads_views", "website_banner_views"])
def test_media_by_the_week_or_on_pages_are_channels(plain, tmp_path, name):
    assert name in read(plain.assign(**{name: np.linspace(10, 99, WEEKS) ** 2}), tmp_path)[0].channels


def test_spend_on_something_else_is_said_where_all_channels_are_spend(plain, tmp_path):
    table = plain[["week", "sales", "tv_spend", "search_spend", "price"]].assign(
        kosten_personal=np.linspace(5, 9, WEEKS) ** 2
    )
    assert "kosten_personal is a channel" in read(table, tmp_path)[1]


def test_a_column_of_currencies_is_no_switch(plain, tmp_path):
    rng = np.random.default_rng(8)
    rows = [
        plain.assign(country=country, currency=code, sales=plain.sales * rng.uniform(1, 2, WEEKS))
        for country, code in (("DE", "EUR"), ("UK", "GBP"))
    ]
    assert read(pd.concat(rows), tmp_path)[0].controls == ("price",)


def test_the_month_beside_the_week_and_the_code_beside_the_name_are_no_controls(plain, tmp_path):
    rng = np.random.default_rng(9)
    rows = [
        plain.assign(dma_name=name, dma_code=code, sales=plain.sales * rng.uniform(1, 2, WEEKS))
        for name, code in (("Boston", 506), ("Miami", 528))
    ]
    table = pd.concat(rows).assign(month=lambda df: df["week"].str[:7])
    panel, _ = read(table, tmp_path)
    assert (panel.regions.tolist(), panel.controls) == (["Boston", "Miami"], ("price",))


@pytest.mark.parametrize(
    ("kpi", "value"),
    [("deliveries", "value_per_delivery"), ("sales", "revenue_per_order"), ("visits", "value_per_visitor"), ("signups", "value_per_sign_up"), ("kpi", "value_per_order")],
)  # fmt: skip
def test_the_unit_of_the_kpi_may_be_written_in_other_words(plain, tmp_path, kpi, value):
    table = plain.rename(columns={"sales": kpi}).assign(**{value: np.linspace(50, 52, WEEKS)})
    assert read(table, tmp_path, kpi=kpi)[0].revenue_per_kpi is not None
