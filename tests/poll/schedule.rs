//! What the schedule promises, whatever channels do.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta};
use feedbridge::{
    model::Time,
    schedule::{Policy, Saved, Schedule, Seen},
};
use proptest::prelude::*;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
}

/// The last 20 posts of a channel that posts every `period` seconds, and how many came after `since`.
fn page(period: i64, since: Option<Time>, now: Time) -> (Vec<Time>, usize) {
    let last = now.timestamp().div_euclid(period) * period;
    let posts: Vec<Time> =
        (0..20).rev().map(|back| DateTime::from_timestamp(last - back * period, 0).unwrap()).collect();
    let new = posts.iter().filter(|post| since.is_none_or(|since| **post > since)).count();
    (posts, new)
}

/// As [`page`], of a channel that posts every half an hour from 8 to 20 hours.
fn page_by_day(since: Option<Time>, now: Time) -> (Vec<Time>, usize) {
    let last = now.timestamp().div_euclid(1800) * 1800;
    let by_day = |time: &i64| (8..20).contains(&time.rem_euclid(DAY).div_euclid(HOUR));
    let times = (0..200).map(|back| last - back * 1800).filter(by_day).take(20);
    let mut posts: Vec<Time> = times.map(|time| DateTime::from_timestamp(time, 0).unwrap()).collect();
    posts.reverse();
    let new = posts.iter().filter(|post| since.is_none_or(|since| **post > since)).count();
    (posts, new)
}

/// Polls from `from` to `to`, channel n posting every `periods[n]` seconds; returns when each was polled.
fn run(schedule: &mut Schedule<usize>, periods: &[i64], from: Time, to: Time) -> Vec<(Time, usize)> {
    poll(schedule, |channel, since, now| page(periods[channel], since, now), from, to)
}

/// As [`run`], with `page` to tell what a channel shows, given when it was polled last, and now.
fn poll(
    schedule: &mut Schedule<usize>,
    page: impl Fn(usize, Option<Time>, Time) -> (Vec<Time>, usize),
    from: Time,
    to: Time,
) -> Vec<(Time, usize)> {
    let mut polls = Vec::new();
    let mut last = HashMap::new();
    let mut now = from;
    while now < to {
        while let Some(channel) = schedule.take(now) {
            polls.push((now, channel));
            let (posts, new) = page(channel, last.insert(channel, now), now);
            schedule.succeeded(&channel, now, &Seen { posts: &posts, new });
        }
        let next = schedule.next_at(now).expect("channels are waiting");
        assert!(next > now, "a poller that sleeps until {next} would spin");
        now = next;
    }
    polls
}

fn filled(policy: Policy, channels: usize) -> Schedule<usize> {
    let mut schedule = Schedule::new(policy, 7);
    (0..channels).for_each(|channel| schedule.insert(channel, None, at(0)));
    schedule
}

fn most_within_a_minute(polls: &[Time]) -> usize {
    let counted =
        |first: usize| polls[first..].iter().take_while(move |poll| **poll - polls[first] <= TimeDelta::seconds(60));
    (0..polls.len()).map(|first| counted(first).count()).max().unwrap_or(0)
}

fn times(polls: &[(Time, usize)]) -> Vec<Time> {
    polls.iter().map(|poll| poll.0).collect()
}

fn longest_interval(polls: &[(Time, usize)], channel: usize) -> TimeDelta {
    let times: Vec<Time> = polls.iter().filter(|poll| poll.1 == channel).map(|poll| poll.0).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
}

fn count(polls: &[(Time, usize)], channel: usize) -> usize {
    polls.iter().filter(|poll| poll.1 == channel).count()
}

#[test]
fn a_channel_in_flight_is_not_given_out_again() {
    let mut schedule = filled(Policy::default(), 1);
    assert_eq!(schedule.take(at(0)), Some(0));
    assert_eq!(schedule.take(at(DAY)), None);
    assert_eq!(schedule.next_at(at(DAY)), None);
    schedule.succeeded(&0, at(DAY), &Seen::default());
    assert_eq!(schedule.take(at(2 * DAY)), Some(0));
}

#[test]
fn a_removed_channel_is_forgotten_even_in_flight() {
    let mut schedule = filled(Policy::default(), 2);
    assert_eq!(schedule.take(at(0)), Some(0));
    schedule.remove(&0);
    schedule.remove(&1);
    schedule.succeeded(&0, at(1), &Seen::default());
    assert_eq!(schedule.take(at(DAY)), None);
    assert_eq!(schedule.saved(&0), None);
}

#[test]
fn a_lone_quiet_channel_is_asked_every_ten_to_twenty_minutes_though_the_budget_is_large() {
    let mut schedule = filled(Policy::default(), 1);
    run(&mut schedule, &[DAY / 3], at(0), at(7 * DAY));
    let polls = run(&mut schedule, &[DAY / 3], at(7 * DAY), at(14 * DAY));
    let each_minutes = 7.0 * 1440.0 / polls.len() as f64;
    assert!((10.0..20.0).contains(&each_minutes), "{each_minutes}");
}

#[test]
fn a_busy_channel_is_asked_at_the_floor_and_no_oftener() {
    let polls = run(&mut filled(Policy::default(), 1), &[20], at(0), at(DAY));
    assert!(polls.windows(2).all(|pair| pair[1].0 - pair[0].0 >= TimeDelta::seconds(120)));
    assert!((700..=720).contains(&polls.len()), "{}", polls.len());
}

#[test]
fn frequencies_follow_the_square_root_of_rates_when_the_budget_is_short() {
    let periods: Vec<i64> = (0..200).map(|channel| if channel % 2 == 0 { 2 * HOUR } else { 18 * HOUR }).collect();
    let mut schedule = filled(Policy { requests_per_minute: 4, ..Policy::default() }, periods.len());
    run(&mut schedule, &periods, at(0), at(7 * DAY));
    let polls = run(&mut schedule, &periods, at(7 * DAY), at(9 * DAY));
    let often = polls.iter().filter(|poll| poll.1 % 2 == 0).count() as f64;
    let seldom = polls.len() as f64 - often;
    assert!((2.4..3.6).contains(&(often / seldom)), "nine times the rate: {often} polls to {seldom}");
}

/// How much more often channel 0, which showed three posts evenly spread over a day, is polled by day than by night
/// in a week in which channels 1 and up post by day.
fn by_day_to_by_night(channels: usize) -> f64 {
    let mut schedule = filled(Policy::default(), channels);
    let three: Vec<Time> = [2, 10, 18].map(|hour| at(hour * HOUR)).to_vec();
    let show = |channel: usize, since: Option<Time>, now: Time| match channel {
        0 => (three.clone(), if since.is_none() { 3 } else { 0 }),
        _ => page_by_day(since, now),
    };
    let polls = poll(&mut schedule, show, at(DAY), at(8 * DAY));
    let in_hours = |from: i64, to: i64| {
        let counts = |poll: &&(Time, usize)| {
            let hour = poll.0.timestamp().rem_euclid(DAY).div_euclid(HOUR);
            poll.1 == 0 && (from..to).contains(&hour)
        };
        polls.iter().filter(counts).count() as f64
    };
    in_hours(10, 20) / (in_hours(0, 8) + in_hours(22, 24))
}

#[test]
fn a_channel_of_few_posts_is_expected_to_keep_the_hours_that_others_keep() {
    let (alone, among_others) = (by_day_to_by_night(1), by_day_to_by_night(31));
    assert!((0.8..1.25).contains(&alone), "alone {alone}");
    assert!(among_others > 1.4, "among others {among_others}");
}

#[test]
fn every_channel_is_polled_within_the_ceiling_and_every_minute_within_the_budget() {
    let periods: Vec<i64> = (0..1500).map(|channel| if channel < 100 { 600 } else { 400 * DAY }).collect();
    let polls = run(&mut filled(Policy::default(), periods.len()), &periods, at(0), at(DAY));
    for channel in 0..periods.len() {
        assert!(longest_interval(&polls, channel) <= TimeDelta::hours(6), "channel {channel}");
    }
    assert!(most_within_a_minute(&times(&polls)) <= 30);
}

#[test]
fn newcomers_do_not_keep_a_busy_channel_waiting() {
    let periods = vec![60; 1001];
    let mut schedule = filled(Policy::default(), 1);
    run(&mut schedule, &periods, at(0), at(HOUR));
    (1..1001).for_each(|channel| schedule.insert(channel, None, at(HOUR)));
    let polls = run(&mut schedule, &periods, at(HOUR), at(HOUR + 900));
    assert!(longest_interval(&polls, 0) < TimeDelta::minutes(13), "{}", longest_interval(&polls, 0));
}

#[test]
fn a_fixed_interval_is_kept_with_jitter() {
    let policy = Policy { fixed_interval: Some(Duration::from_secs(600)), ..Policy::default() };
    let polls = run(&mut filled(policy, 1), &[20], at(0), at(DAY));
    let intervals: Vec<i64> = polls.windows(2).map(|pair| (pair[1].0 - pair[0].0).num_seconds()).collect();
    assert!(intervals.iter().all(|interval| (540..=661).contains(interval)), "{intervals:?}");
    assert!(intervals.iter().any(|interval| *interval != intervals[0]));
}

#[test]
fn a_restart_keeps_the_rhythm_and_is_no_stampede() {
    let periods = vec![6 * HOUR; 100];
    let mut before = filled(Policy::default(), 100);
    run(&mut before, &periods, at(0), at(DAY));
    let mut after = Schedule::new(Policy::default(), 8);
    for channel in 0..100 {
        let text = serde_json::to_string(&before.saved(&channel).unwrap()).unwrap();
        let saved: Saved = serde_json::from_str(&text).unwrap();
        after.insert(channel, Some(saved), at(DAY));
    }
    let minute = run(&mut after, &periods, at(DAY), at(DAY + 60));
    let usual = run(&mut before, &periods, at(DAY), at(DAY + 60));
    assert!(minute.len() <= usual.len() + 3, "{} polls, {} without the restart", minute.len(), usual.len());
}

#[test]
fn saved_times_in_the_future_or_far_past_neither_stop_nor_flood() {
    let mut first = filled(Policy::default(), 1);
    run(&mut first, &[HOUR], at(0), at(DAY));
    let saved = first.saved(&0);
    for now in [-3650 * DAY, 3650 * DAY] {
        let mut schedule = Schedule::new(Policy::default(), 1);
        (0..50).for_each(|channel| schedule.insert(channel, saved.clone(), at(now)));
        let polls = run(&mut schedule, &[HOUR; 50], at(now), at(now + DAY));
        assert!((0..50).all(|channel| count(&polls, channel) > 10));
        assert!(most_within_a_minute(&times(&polls)) <= 30);
    }
}

#[test]
fn retry_after_is_waited_for_but_no_longer_than_the_ceiling() {
    for (asked, least, most) in [(1800, 1800, 2200), (10 * DAY, 6 * HOUR, 9 * HOUR)] {
        let mut schedule = filled(Policy::default(), 1);
        schedule.take(at(0));
        schedule.failed(&0, at(0), Some(Duration::from_secs(asked as u64)));
        let next = (schedule.next_at(at(0)).unwrap() - at(0)).num_seconds();
        assert!((least..=most).contains(&next), "{next}");
        assert_eq!(schedule.take(at(least - 1)), None);
        assert_eq!(schedule.take(at(most)), Some(0));
    }
}

#[test]
fn failures_are_retried_ever_later_and_at_most_at_the_ceiling() {
    let total = |failures: usize| {
        let mut schedule = filled(Policy::default(), 1);
        let mut now = at(0);
        for _ in 0..failures {
            now = schedule.next_at(now).unwrap();
            assert_eq!(schedule.take(now), Some(0));
            schedule.failed(&0, now, None);
            assert!(schedule.next_at(now).unwrap() - now <= TimeDelta::hours(6));
        }
        now - at(0)
    };
    assert!(total(40) - total(20) > TimeDelta::hours(20), "{} {}", total(40), total(20));
    assert!(total(3) < TimeDelta::minutes(20));
}

#[test]
fn a_slow_down_halves_the_budget_once_and_it_recovers() {
    let mut schedule = filled(Policy::default(), 1);
    schedule.slow_down(at(0));
    schedule.slow_down(at(1));
    assert!((15.0..15.1).contains(&schedule.budget(at(1)).requests_per_minute));
    assert_eq!(schedule.budget(at(1)).tokens, 0);
    schedule.slow_down(at(60));
    assert!(schedule.budget(at(60)).requests_per_minute < 9.0);
    assert!(schedule.budget(at(660)).requests_per_minute < 30.0);
    assert_eq!(schedule.budget(at(HOUR)).requests_per_minute, 30.0);
}

#[test]
fn requests_that_can_wait_get_a_quarter_of_the_budget() {
    let mut schedule: Schedule<usize> = Schedule::new(Policy::default(), 1);
    let taken = (0..2 * HOUR).filter(|second| schedule.take_spare(at(*second))).count();
    assert!((880..=910).contains(&taken), "{taken}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_minute_exceeds_the_budget_whatever_is_asked(
        rpm in 1_u32..90,
        burst in 0_u32..100,
        steps in prop::collection::vec((0_i64..20_000, 0_u8..12), 1..400),
    ) {
        let mut schedule = filled(Policy { requests_per_minute: rpm, burst, ..Policy::default() }, 50);
        let mut now = at(0);
        let mut requests = Vec::new();
        for (milliseconds, action) in steps {
            now += TimeDelta::milliseconds(milliseconds);
            match action {
                0 => schedule.slow_down(now),
                1..4 => while schedule.take_extra(now) { requests.push(now) },
                4..6 => while schedule.take_spare(now) { requests.push(now) },
                _ => while let Some(channel) = schedule.take(now) {
                    requests.push(now);
                    if action < 8 {
                        schedule.failed(&channel, now, None);
                    } else {
                        schedule.succeeded(&channel, now, &Seen { posts: &[now], new: 1 });
                    }
                }
            }
        }
        prop_assert!(most_within_a_minute(&requests) <= rpm as usize);
    }

    #[test]
    fn any_page_leaves_the_channel_scheduled_within_the_ceiling(
        mut offsets in prop::collection::vec(-4_000_000_i64..4_000_000, 0..30),
        new in 0_usize..40,
    ) {
        offsets.sort_unstable();
        let posts: Vec<Time> = offsets.into_iter().map(at).collect();
        let mut schedule = filled(Policy::default(), 1);
        let mut now = at(0);
        for _ in 0..5 {
            prop_assert_eq!(schedule.take(now), Some(0));
            schedule.succeeded(&0, now, &Seen { posts: &posts, new });
            let next = schedule.next_at(now).unwrap();
            prop_assert!(next - now >= TimeDelta::minutes(2) && next - now <= TimeDelta::hours(6));
            now = next;
        }
    }
}

#[test]
fn a_first_poll_that_failed_is_announced_for_the_end_of_its_back_off() {
    let policy = Policy::default();
    let mut schedule = Schedule::new(policy, 3);
    schedule.insert(0, None, at(0));
    assert_eq!(schedule.take(at(0)), Some(0));
    schedule.failed(&0, at(0), None);
    let announced = schedule.next_poll(&0).unwrap();
    assert!(announced <= at(0) + policy.floor * 2, "announced for {announced}");
    assert_eq!(schedule.take(announced), Some(0));
}
