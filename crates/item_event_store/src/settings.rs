//! What an admin may choose for a ledger, and change at any time. Nothing here changes an event.

use crate::time::{BusinessDay, Timestamp};

/// What is chosen for a ledger, as its head row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The IANA name of the ledger's time zone.
    pub time_zone: String,
    /// The local hour, 0 to 23, at which the business day starts.
    pub day_start_hour: i8,
    /// Since when the ledger takes no more requests. It can still be read.
    pub archived_at: Option<Timestamp>,
}

/// What is to be chosen anew; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    time_zone: Option<String>,
    day_start_hour: Option<i8>,
    archived: Option<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { time_zone: "UTC".into(), day_start_hour: 0, archived_at: None }
    }
}

impl Settings {
    /// To which day an event belongs.
    ///
    /// # Errors
    /// A sentence, when the zone is unknown to this program.
    pub fn business_day(&self) -> Result<BusinessDay, String> {
        BusinessDay::new(&self.time_zone, self.day_start_hour)
    }

    /// The settings after a change that is made at a time.
    #[must_use]
    pub fn after(&self, change: &SettingsChange, now: Timestamp) -> Self {
        Self {
            time_zone: change.time_zone.clone().unwrap_or_else(|| self.time_zone.clone()),
            day_start_hour: change.day_start_hour.unwrap_or(self.day_start_hour),
            archived_at: match change.archived {
                Some(true) => self.archived_at.or(Some(now)),
                Some(false) => None,
                None => self.archived_at,
            },
        }
    }
}

impl SettingsChange {
    /// Another time zone, an IANA name such as `Europe/Vienna`.
    ///
    /// # Errors
    /// A sentence, when there is no such zone.
    pub fn time_zone(mut self, name: &str) -> Result<Self, String> {
        BusinessDay::new(name, 0)?;
        self.time_zone = Some(name.to_owned());
        Ok(self)
    }

    /// Another local hour, 0 to 23, at which the business day starts.
    ///
    /// # Errors
    /// A sentence, when it is no such hour.
    pub fn day_start_hour(mut self, hour: i64) -> Result<Self, String> {
        let narrow = i8::try_from(hour).unwrap_or(i8::MIN);
        BusinessDay::new("UTC", narrow)?;
        self.day_start_hour = Some(narrow);
        Ok(self)
    }

    /// Archive the ledger, or bring it back.
    #[must_use]
    pub fn archived(mut self, archived: bool) -> Self {
        self.archived = Some(archived);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let change = SettingsChange::default().time_zone("Europe/Vienna").expect("a zone");
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().expect("a time");
        let vienna = Settings::default().after(&change, noon);
        assert_eq!((vienna.time_zone.as_str(), vienna.day_start_hour), ("Europe/Vienna", 0));
        let archived = vienna.after(&SettingsChange::default().archived(true), noon);
        assert_eq!(
            (archived.time_zone.as_str(), archived.archived_at),
            ("Europe/Vienna", Some(noon))
        );
        let again = archived.after(&SettingsChange::default().archived(true), noon.plus_micros(1));
        assert_eq!(again.archived_at, Some(noon), "since the first time");
        let back = again.after(&SettingsChange::default().archived(false), noon);
        assert_eq!(back, vienna);
    }

    #[test]
    fn what_is_no_zone_or_hour_is_refused() {
        for hour in [-1, 24, 256, i64::MAX] {
            assert!(SettingsChange::default().day_start_hour(hour).is_err(), "{hour}");
        }
        for hour in [0, 23] {
            assert!(SettingsChange::default().day_start_hour(hour).is_ok(), "{hour}");
        }
        for zone in ["", "Vienna", "Europe/Atlantis"] {
            assert!(SettingsChange::default().time_zone(zone).is_err(), "{zone}");
        }
    }
}
