import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.data.bookings import Booking, _delayed, accrued
from deepcausalmmm_jax.data.cadence import Cadence

REGIONS, WEEKS, PRICE = 3, 60, 0.005


def _exposure(seed, on_air=0.75):
    rng = np.random.default_rng(seed)
    shape = (REGIONS, WEEKS)
    size = 1e5 * np.arange(1, REGIONS + 1)[:, None]
    return size * rng.gamma(2.0, 0.5, shape) * (rng.random(shape) < on_air)


def _invoiced(spend, every, at=0):
    """Spend of so many weeks booked in one of them."""
    booked = np.zeros_like(spend)
    for first in range(0, WEEKS, every):
        booked[:, min(first + at, WEEKS - 1)] += spend[:, first : first + every].sum(axis=1)
    return booked


def _in_head_office(spend):
    booked = np.zeros_like(spend)
    booked[0] = spend.sum(axis=0)
    return booked


def _late(spend, weeks):
    return np.roll(spend, weeks, axis=1)


TABLES = {
    "each week pays for itself": (lambda s: s, Booking.OWN),
    "monthly invoices in advance": (lambda s: _invoiced(s, 4), Booking.SPAN),
    "monthly invoices afterwards": (lambda s: _invoiced(s, 4, at=3), Booking.SPAN),
    "quarterly invoices": (lambda s: _invoiced(s, 13), Booking.SPAN),
    "all in head office's region": (_in_head_office, Booking.CENTRAL),
    "monthly in head office's region": (lambda s: _in_head_office(_invoiced(s, 4)), Booking.CENTRAL),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("seed", [0, 1])
def test_spend_comes_back_to_the_exposure_that_it_paid_for(name, seed):
    book, booking = TABLES[name]
    exposure = _exposure(seed)
    found = accrued(book(exposure * PRICE), exposure)
    assert found.booking is booking
    np.testing.assert_allclose(found.spend, exposure * PRICE, rtol=1e-9)


@pytest.mark.parametrize("weeks", [4, -1])
def test_spend_weeks_late_or_ahead_is_counted_at_the_regions_mean_price(weeks):
    exposure = _exposure(0)
    found = accrued(_late(exposure * PRICE, weeks), exposure)
    assert found.booking is Booking.REGION
    np.testing.assert_allclose(found.spend, exposure * PRICE, rtol=1e-9)


@pytest.mark.parametrize(
    ("cadence", "steps", "searched"), [("daily", 30, True), ("weekly", 9, False), ("monthly", 5, False)]
)
def test_bookings_up_to_eight_weeks_late_are_searched_on_every_calendar(cadence, steps, searched):
    spend = np.random.default_rng(1).gamma(2.0, 0.5, (REGIONS, 120))
    assert _delayed(_late(spend, steps), spend, 1.0, Cadence(cadence).steps(8)) is searched


def test_spend_a_month_of_days_late_is_counted_at_the_regions_mean_price():
    exposure = np.tile(_exposure(0, on_air=1.0), 3)
    own = exposure * PRICE
    assert accrued(_late(own, 30), exposure, Cadence.DAILY).booking is Booking.REGION
    np.testing.assert_allclose(accrued(own, exposure, Cadence.DAILY).spend, own, rtol=1e-9)


FREE = {
    "the last weeks": (slice(None), slice(-8, None)),
    "every fourth week": (slice(None), slice(None, None, 4)),
    "a region": (2, slice(None)),
    "two weeks in the middle of one region": (1, slice(20, 22)),
}


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_exposure_that_was_free_stays_free_and_the_rest_keeps_its_price(name, noise):
    exposure = _exposure(1)
    spend = exposure * PRICE * np.exp(noise * np.random.default_rng(2).standard_normal(exposure.shape))
    spend[FREE[name]] = 0.0
    found = accrued(spend, exposure)
    assert found.booking is Booking.FREE
    np.testing.assert_allclose(found.spend, spend, rtol=1e-12)


@pytest.mark.parametrize("week", [0, 3, 30])
@pytest.mark.parametrize("n_regions", [1, 3])
def test_a_single_booking_is_not_the_price_of_its_week(week, n_regions):
    exposure = _exposure(0, on_air=1.0)[:n_regions]
    spend = np.zeros_like(exposure)
    spend[:, week] = PRICE * exposure.sum(axis=1)
    found = accrued(spend, exposure)
    assert found.booking is Booking.REGION
    np.testing.assert_allclose(found.spend, exposure * PRICE, rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_half_of_it_free_at_noisy_prices_is_still_free(seed):
    rng, exposure = np.random.default_rng(seed), _exposure(seed)
    spend = exposure * PRICE * rng.lognormal(0.0, 0.3, exposure.shape) * (rng.random(exposure.shape) < 0.5)
    found = accrued(spend, exposure)
    assert found.booking is Booking.FREE
    np.testing.assert_allclose(found.spend, spend, rtol=1e-12)


def test_invoices_keep_their_time_where_prices_drift_and_cover_no_more_than_usual():
    exposure = _exposure(0)
    drifting = exposure * PRICE * np.exp(np.linspace(0.0, np.log(10.0), WEEKS))
    found = accrued(_invoiced(drifting, 4), exposure)
    assert found.booking is Booking.SPAN
    np.testing.assert_allclose(found.spend[:, -8:].sum(), drifting[:, -8:].sum(), rtol=0.05)
    unpaid = drifting.copy()
    unpaid[:, -12:] = 0.0
    last = accrued(_invoiced(unpaid, 4), exposure)
    assert last.booking is Booking.SPAN
    assert last.spend[:, -8:].sum() < 0.03 * drifting[:, -8:].sum()


def test_small_fees_off_air_are_laid_over_the_weeks_on_air():
    exposure = _exposure(0)
    spend = exposure * PRICE
    fees = np.where(exposure == 0, 0.02 * spend.mean(), 0.0)
    found = accrued(spend + fees, exposure)
    assert found.booking is Booking.OWN
    np.testing.assert_allclose(found.spend, spend * (1 + fees.sum() / spend.sum()), rtol=1e-12)


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.1, 1.0),
    st.floats(0.0, 1.0),
    st.sampled_from(["own", "lumps", "head", "late", "anything"]),
)
@settings(max_examples=200, deadline=None)
def test_no_money_is_lost_or_made_and_none_is_spent_off_air(seed, on_air, paid, kind):
    rng = np.random.default_rng(seed)
    exposure = _exposure(seed, on_air)
    spend = exposure * PRICE * rng.lognormal(0.0, 0.3, exposure.shape) * (rng.random(exposure.shape) < paid)
    if kind == "lumps":
        spend = _invoiced(spend, int(rng.integers(2, 14)), int(rng.integers(0, 14)))
    elif kind == "head":
        spend = _in_head_office(spend)
    elif kind == "late":
        spend = _late(spend, int(rng.integers(-6, 7)))
    elif kind == "anything":
        spend = rng.permuted(spend, axis=1)
    found = accrued(spend, exposure)
    np.testing.assert_allclose(found.spend.sum(), spend.sum(), rtol=1e-9)
    assert (found.spend >= 0).all()
    if spend.sum() > 0 and exposure.sum() > 0:
        assert not found.spend[exposure == 0].any()


def _alternating(distance, every=1):
    """Spend at log prices that lie this far apart in turn, each booking for so many weeks of exposure 1."""
    exposure = np.ones((2, 48))
    price = np.repeat(np.exp(np.resize([0.0, distance], 48 // every)), every)
    spend = np.zeros_like(exposure)
    spend[:, ::every] = (price * exposure).reshape(2, -1, every).sum(axis=2)
    return spend, exposure


# The spread of two log prices in turn is their distance over the root of two.
@pytest.mark.parametrize(
    ("distance", "every", "booking"),
    [
        (1.69, 1, Booking.OWN), (1.70, 1, Booking.REGION),  # a spread of 1.2 is too erratic for prices of weeks
        (0.84, 4, Booking.SPAN), (0.95, 4, Booking.REGION),  # one of .6 for a way of booking
    ],
)  # fmt: skip
def test_prices_may_differ_by_so_much_and_no_more(distance, every, booking):
    assert accrued(*_alternating(distance, every)).booking is booking


@pytest.mark.parametrize(("share", "booking"), [(0.049, Booking.OWN), (0.051, Booking.REGION)])
def test_a_twentieth_of_the_spend_may_lie_off_air(share, booking):
    on_air = np.resize([1.0, 1.0, 1.0, 0.0], (2, 48))
    spend = np.where(on_air > 0, 3.0 * (1.0 - share), 9.0 * share)
    found = accrued(spend, on_air)
    assert found.booking is booking
    np.testing.assert_allclose(found.spend.sum(), spend.sum())


def test_what_bought_nothing_stays_where_it_was_booked():
    spend, nothing = np.ones((2, 5)), np.zeros((2, 5))
    for paid, bought in ((spend, nothing), (nothing, spend), (nothing, nothing)):
        found = accrued(paid, bought)
        assert found.booking is Booking.OWN
        np.testing.assert_array_equal(found.spend, paid)


def test_a_single_week_on_air_in_each_region_pays_for_itself():
    exposure = np.zeros((2, 10))
    exposure[0, 3], exposure[1, 7] = 2.0, 5.0
    found = accrued(100.0 * (exposure > 0), exposure)
    assert found.booking is Booking.OWN
    np.testing.assert_array_equal(found.spend, 100.0 * (exposure > 0))


@pytest.mark.parametrize(("last", "ends"), [(40, 46), (28, 34)])
def test_the_last_booking_covers_less_than_one_and_a_half_usual_gaps(last, ends):
    exposure = _exposure(3, on_air=1.0)[:1, :48]
    spend = np.zeros_like(exposure)
    for week in range(0, last + 1, 4):
        spend[0, week] = PRICE * exposure[0, week : week + 4].sum()
    found = accrued(spend, exposure)
    assert found.booking is Booking.SPAN
    assert np.flatnonzero(found.spend[0])[-1] == ends - 1


@pytest.mark.parametrize(("at", "paid"), [(0, slice(8, None)), (0, slice(20, None)), (3, slice(0, 40))])
def test_an_invoice_in_advance_covers_no_week_before_it_and_one_afterwards_none_after_it(at, paid):
    exposure = _exposure(1, on_air=1.0)
    own = np.zeros_like(exposure)
    own[:, paid] = PRICE * exposure[:, paid]
    found = accrued(_invoiced(own, 4, at), exposure)
    assert found.booking is Booking.SPAN
    np.testing.assert_allclose(found.spend, own, rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("paid", [slice(56, None), slice(25, 40)], ids=["the last four", "some in the middle"])
def test_weeks_that_are_booked_one_by_one_pay_for_no_week_beside_them(seed, paid):
    rng = np.random.default_rng(seed)
    exposure = rng.uniform(0.5, 1.5, (REGIONS, WEEKS))
    spend = np.zeros_like(exposure)
    spend[:, paid] = (exposure * np.exp(0.15 * rng.standard_normal(exposure.shape)))[:, paid]
    found = accrued(spend, exposure)
    assert found.booking is Booking.FREE
    np.testing.assert_allclose(found.spend, spend, rtol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_nor_do_they_where_a_region_has_no_row_in_one_of_a_few_weeks(seed):
    rng = np.random.default_rng(seed)
    exposure = rng.uniform(0.5, 1.5, (REGIONS, WEEKS))
    exposure[0, -2] = 0.0
    spend = np.where(np.arange(WEEKS) >= WEEKS - 4, exposure * np.exp(0.15 * rng.standard_normal(exposure.shape)), 0.0)
    np.testing.assert_allclose(accrued(spend, exposure).spend, spend, rtol=1e-12)


@pytest.mark.parametrize("paid", [3, 4, 6, 8])
def test_a_few_paid_weeks_that_match_other_weeks_by_chance_are_not_late(paid):
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        exposure = rng.gamma(4.0, 0.25, (1, WEEKS))
        spend = exposure * np.exp(0.15 * rng.standard_normal(exposure.shape)) * (np.arange(WEEKS) >= WEEKS - paid)
        found.append(accrued(spend, exposure).spend[0, :-paid].sum())
    np.testing.assert_array_equal(found, 0.0)
