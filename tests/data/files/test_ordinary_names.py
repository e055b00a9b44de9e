"""Names and columns that look like something else: regions, rates, totals and units in ordinary files."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.data.files.exports import WEEKS, read, whole


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
    table["sales"] = [f"{10 * value:,} €".replace(",", ".") for value in table["sales"]]
    np.testing.assert_allclose(read(table, tmp_path, {"sep": ";"})[0].kpi[0], 10 * plain.sales.round())


def test_the_price_of_fuel_is_asked_about(plain, tmp_path):
    prices = [f"{value:.3f} €" for value in np.linspace(1.6, 1.9, WEEKS)]
    with pytest.raises(dcm.DataError, match="separates thousands or decimals"):
        read(whole(plain).assign(price=prices), tmp_path, {"sep": ";"})


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
