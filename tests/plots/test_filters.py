"""Filters of the page: what they leave out, and what is said of charts that do not follow them."""

import numpy as np

from tests.plots.test_report import opened


def test_error_bars_stay_with_their_channel_under_the_channel_filter(browser, page):
    opened(browser, page[0])
    names = page[1].panel.channels
    trace = {
        "type": "bar", "x": [1, 2, 3], "y": ["a", "b", "c"], "error_x": {"array": [4, 5, 6], "arrayminus": [7, 8, 9]},
        "meta": {"channels": list(names), "errors": [4, 5, 6], "low": [0, 1, 2], "high": [3, 4, 5]},
    }  # fmt: skip
    browser.execute_script("document.querySelector('#channels input').click()")
    left = browser.execute_script("return withPoints(arguments[0], arguments[1])", trace, list(names))
    assert left["error_x"] == {"array": [5, 6], "arrayminus": [8, 9]}
    assert [left["meta"][key] for key in ("errors", "low", "high")] == [[5, 6], [1, 2], [4, 5]]


def test_charts_that_do_not_show_a_region_say_so_while_one_is_chosen(browser, page):
    opened(browser, page[0])
    titles = "return Object.fromEntries(Object.entries(DATA.charts).map(([k, c]) => [k, titleOf(c, current(c)) + scopeOf(c)]))"
    before = browser.execute_script(titles)
    browser.execute_script(
        "const s = document.getElementById('region'); s.value = '1'; s.dispatchEvent(new Event('change'))"
    )
    name, after = browser.execute_script("return DATA.regions.names[1]"), browser.execute_script(titles)
    for key, title in after.items():
        assert ("all regions" in title) != (name in title), (key, title)
    assert after["mroi"] == f"{before['mroi']}; all regions"
    browser.execute_script("draw(document.querySelector('[data-key=mroi]'))")
    shown = "return getComputedStyle(document.querySelector('[data-key=mroi] h3'), '::after').content"
    assert browser.execute_script(shown) == '"; all regions"'


def test_the_channel_filter_opens_within_a_phone(browser, page):
    opened(browser, page[0], 420)
    browser.execute_script("document.getElementById('channel-filter').open = true")
    left, right = browser.execute_script(
        "const r = document.querySelector('.filters fieldset').getBoundingClientRect(); return [r.left, r.right]"
    )
    assert 0 <= left < right <= 420
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 420


def test_shares_of_the_prediction_stay_so_without_the_other_channels(browser, page):
    chart = "draw(document.querySelector('[data-key=percent]')); const [table, data] = [state.drawn.get('percent').table, document.getElementById('figure-percent').data];"
    shown = f"{chart} return [table, data.filter(t => t.visible !== 'legendonly').map(t => [t.meta.channel, t.y])]"
    channels = [str(name) for name in page[1].panel.channels]
    opened(browser, page[0])
    for region in ("", "1"):
        browser.execute_script(
            "const s = document.getElementById('region'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
            region,
        )
        weekly = page[1].contributions
        if region:
            name = browser.execute_script("return DATA.regions.names[1]")
            at = [str(label) for label in page[1].panel.regions].index(name)
            weekly = weekly.isel(region=[at])
        weekly = weekly.sum("region").to_pandas()
        share = 100 * weekly[channels[1]] / weekly.sum(axis=1)
        browser.execute_script("document.querySelector('#channels input').click()")
        table, drawn = browser.execute_script(shown)
        browser.execute_script("document.querySelector('#channels input').click()")
        column = table["header"].index(f"{channels[1]}, %")
        assert f"{channels[0]}, %" not in table["header"]
        np.testing.assert_allclose([row[column] for row in table["rows"]], share, rtol=0.01)
        np.testing.assert_allclose(dict(map(tuple, drawn))[channels[1]], share, rtol=0.01)


def test_tooltips_of_a_region_have_no_powers_of_ten(browser, page):
    opened(browser, page[0]).execute_script("state.region = 0")
    read = "return Object.fromEntries(['total', 'roi', 'effectiveness'].map(k => [k, current(DATA.charts[k]).find(t => t.meta.matrix).hovertemplate]))"
    for name, template in browser.execute_script(read).items():
        assert "%{x:,.3~r}" in template, name  # as for all regions; 3~g writes 13800 as 1.38e+4
