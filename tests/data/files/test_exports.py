"""What teams' exports hold beside plain columns: dashes, totals, rates, other languages, thousands or decimals."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.data.files.exports import WEEKS, read, whole


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


@pytest.mark.parametrize("named", ["campaign", "ad_set", "product"])
def test_rows_of_a_week_that_share_one_kpi_are_no_regions(plain, tmp_path, named):
    rows = pd.concat([plain.assign(**{named: name}) for name in ("brand", "generic", "retargeting")])
    with pytest.raises(dcm.DataError, match=f"'{named}' tells the rows .* 'sales' is the same .* counted 3 times"):
        read(rows, tmp_path)
    assert np.isclose(read(rows, tmp_path, region=named)[0].kpi.sum(), 3.0 * plain.sales.sum())  # said, not guessed
    (tmp_path / "file.csv.schema.toml").unlink(missing_ok=True)
    in_rows = rows.assign(channel=np.resize(["tv", "radio"], len(rows)))[["week", "sales", "channel", named]]
    by_channel = in_rows.assign(impressions=np.arange(len(rows)) % 97, spend=np.arange(len(rows)) % 89)
    with pytest.raises(dcm.DataError, match="'sales' is the same in all of them"):
        read(by_channel, tmp_path)


@pytest.mark.parametrize("paid", ["TV spend (000s)", "tv_spend_thousands", "TV Kosten (Tsd.)", "TV spend ($k)"])
def test_thousands_in_a_name_are_no_name_of_a_channel_and_are_said(plain, tmp_path, paid):
    panel, said = read(plain.rename(columns={"tv_spend": paid}), tmp_path)
    assert panel.channels == ("tv_impressions", "search_clicks")
    np.testing.assert_allclose(panel.spend[0], plain[["tv_spend", "search_spend"]])
    assert f"{paid} in thousands, search_spend in units" in said


def test_spend_in_two_currencies_is_said(plain, tmp_path):
    named = {"tv_spend": "tv_spend_eur", "search_spend": "search_cost_usd"}
    panel, said = read(plain.rename(columns=named), tmp_path)
    assert panel.channels == ("tv_impressions", "search_clicks")
    assert (
        "different currencies, and returns compare them as they are: tv_spend_eur in eur, search_cost_usd in usd"
        in said
    )
    (tmp_path / "file.csv.schema.toml").unlink()
    assert "currencies" not in read(plain.rename(columns={"tv_spend": "tv_spend_eur"}), tmp_path)[1]


def test_a_schema_that_was_edited_is_not_replaced(plain, tmp_path):
    read(plain, tmp_path)
    kept = tmp_path / "file.csv.schema.toml"
    read(plain, tmp_path, controls=[])
    assert "controls = []" in kept.read_text()  # as it was written by us, it is written anew
    kept.write_text(kept.read_text().replace("controls = []", 'controls = ["price"]'))
    read(plain, tmp_path, controls=[])
    assert 'controls = ["price"]' in kept.read_text()
