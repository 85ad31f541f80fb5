//! Points in time, to the microsecond, and the days they belong to.

use std::fmt;
use std::str::FromStr;

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC with six
/// fractional digits; read with any offset. Years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is no point in time of the years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 time with an offset, such as 2026-11-23T05:00:00Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The earliest: 0000-01-03T00:00:00Z, so that it has a business day in every time zone.
    pub const MIN: Self = Self(-62_167_046_400_000_000);
    /// The latest: 9999-12-30T21:59:59.999999Z, so that it can be shown in every time zone.
    pub const MAX: Self = Self(253_402_207_199_999_999);

    /// Microseconds since the Unix epoch; brought into the range that can be shown.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The time `micros` microseconds later (earlier if negative), within the range.
    #[must_use]
    pub fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).expect("a Timestamp is within jiff's range")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_jiff())
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        let micros = parsed.as_microsecond();
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(InvalidTimestamp)
        }
    }
}

/// The time zone and the hour at which a business day starts: they say to which day an event
/// belongs. Baking starts at night, so the day need not start at midnight.
#[derive(Clone, Debug)]
pub struct BusinessDay {
    zone: jiff::tz::TimeZone,
    start_hour: i8,
}

/// A calendar date, written `2026-11-23`. Years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(jiff::civil::Date);

/// A text that is no day of the years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day, such as 2026-11-23")]
pub struct InvalidDay;

const EPOCH_DAY: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

impl BusinessDay {
    /// The business day of an IANA time zone name (`Europe/Vienna`) that starts at `start_hour`
    /// (0 to 23), local time.
    ///
    /// # Errors
    /// A sentence, when the zone is unknown or the hour out of range.
    pub fn new(zone: &str, start_hour: i8) -> Result<Self, String> {
        if !(0..24).contains(&start_hour) {
            return Err("the hour at which the business day starts is 0 to 23".into());
        }
        let zone = jiff::tz::TimeZone::get(zone)
            .map_err(|_| format!("unknown time zone '{zone}': use a name such as Europe/Vienna"))?;
        Ok(Self { zone, start_hour })
    }

    /// The day that a point in time belongs to.
    ///
    /// # Panics
    /// Never: the range of [`Timestamp`] leaves room for every time zone.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> Day {
        let local = self.zone.to_datetime(at.to_jiff());
        let before_start = local.hour() < self.start_hour;
        let day = if before_start { local.date().yesterday() } else { Ok(local.date()) };
        Day(day.expect("a Timestamp is a year within the calendar"))
    }
}

impl Day {
    /// The earliest that a [`Timestamp`] may belong to, or before it: 0000-01-01.
    pub const MIN: Self = Self(jiff::civil::date(0, 1, 1));
    /// The latest that a [`Timestamp`] may belong to, or after it: 9999-12-31.
    pub const MAX: Self = Self(jiff::civil::date(9999, 12, 31));

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i32 {
        (self.0 - EPOCH_DAY).get_days()
    }

    /// The day so many days after 1970-01-01; brought into the range of years 0 to 9999.
    #[must_use]
    pub fn from_number(days: i32) -> Self {
        let day = EPOCH_DAY.saturating_add(jiff::SignedDuration::from_hours(24 * i64::from(days)));
        Self(day).clamp(Self::MIN, Self::MAX)
    }

    /// The next day.
    ///
    /// # Panics
    /// Beyond the year 9999.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().expect("a day within the calendar"))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        let day = text.parse().map(Self).map_err(|_| InvalidDay)?;
        if (Self::MIN..=Self::MAX).contains(&day) { Ok(day) } else { Err(InvalidDay) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_time_is_read_with_any_offset_and_written_in_utc() {
        assert_eq!(at("2026-11-23T06:00:00+01:00").to_string(), "2026-11-23T05:00:00.000000Z");
        assert_eq!(at("2026-11-23T05:00:00.1234567Z").to_string(), "2026-11-23T05:00:00.123456Z");
        for edge in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(at(&edge.to_string()), edge);
        }
        for bad in ["", "2026-11-23", "2026-11-23T05:00:00", "-000001-01-01T00:00:00Z"] {
            assert_eq!(bad.parse::<Timestamp>(), Err(InvalidTimestamp), "{bad}");
        }
    }

    #[test]
    fn a_business_day_starts_at_its_hour_in_its_zone() {
        let day = BusinessDay::new("Europe/Vienna", 3).expect("a zone");
        assert_eq!(day.day_of(at("2026-11-23T01:59:59Z")).to_string(), "2026-11-22");
        assert_eq!(day.day_of(at("2026-11-23T02:00:00Z")).to_string(), "2026-11-23");
        assert!(BusinessDay::new("Nowhere/None", 0).is_err());
        assert!(BusinessDay::new("UTC", 24).is_err());
    }

    #[test]
    fn a_business_day_is_as_long_as_the_clocks_make_it() {
        let day = BusinessDay::new("Europe/Vienna", 4).expect("a zone");
        for (from, to, expected) in [
            // The clocks go forward at two o'clock within the day of the 28th, and back within
            // that of the 24th.
            ("2026-03-28T03:00:00Z", "2026-03-29T01:59:59Z", "2026-03-28"),
            ("2026-03-29T02:00:00Z", "2026-03-30T01:59:59Z", "2026-03-29"),
            ("2026-10-24T02:00:00Z", "2026-10-25T02:59:59Z", "2026-10-24"),
            ("2026-10-25T03:00:00Z", "2026-10-26T02:59:59Z", "2026-10-25"),
        ] {
            assert_eq!(day.day_of(at(from)).to_string(), expected, "{from}");
            assert_eq!(day.day_of(at(to)).to_string(), expected, "{to}");
        }
    }

    #[test]
    fn a_day_has_a_number_and_reads_back_what_it_prints() {
        for (text, number) in [
            ("1970-01-01", 0),
            ("2000-01-01", 10_957),
            ("1969-12-31", -1),
            ("0000-01-01", -719_528),
            ("9999-12-31", 2_932_896),
        ] {
            let day: Day = text.parse().expect("a day");
            assert_eq!((day.number(), day.to_string().as_str()), (number, text));
            assert_eq!(Day::from_number(number), day);
        }
        assert_eq!(Day::from_number(i32::MIN), Day::MIN);
        assert_eq!(Day::from_number(i32::MAX), Day::MAX);
        for bad in ["", "2026-02-29", "2026-11", "-000001-12-31", "10000-01-01", "today"] {
            assert_eq!(bad.parse::<Day>(), Err(InvalidDay), "{bad}");
        }
        for (zone, hour) in [("Pacific/Kiritimati", 0), ("Etc/GMT+12", 23)] {
            let day = BusinessDay::new(zone, hour).expect("a zone");
            for edge in [Timestamp::MIN, Timestamp::MAX] {
                assert!((Day::MIN..=Day::MAX).contains(&day.day_of(edge)), "{zone}");
            }
        }
    }
}
