//! What the service does by the clock: refreshing the daily summaries.

use crate::http::limits::{SUMMARY_EVERY, SUMMARY_EVERY_LEAST, SUMMARY_EVERY_MOST};
use item_event_store::ledgers::Ledgers;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often daily summaries are refreshed; `None` is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every(Option<Duration>);

impl Default for Every {
    fn default() -> Self {
        Self(Some(SUMMARY_EVERY))
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let parsed = text.parse::<jiff::SignedDuration>().ok();
        let every = parsed.and_then(|duration| Duration::try_from(duration).ok());
        every
            .filter(|every| (SUMMARY_EVERY_LEAST..=SUMMARY_EVERY_MOST).contains(every))
            .map(|every| Self(Some(every)))
            .ok_or_else(|| {
                format!(
                    "must be off, or a time such as 1m: {} s to {} s",
                    SUMMARY_EVERY_LEAST.as_secs(),
                    SUMMARY_EVERY_MOST.as_secs()
                )
            })
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("off"),
            Some(every) => write!(f, "{}s", every.as_secs()),
        }
    }
}

impl Every {
    /// Refreshes the summaries of the ledgers that are open, again and again, for ever.
    pub async fn refresh(self, ledgers: &Ledgers) {
        let Some(every) = self.0 else { return std::future::pending().await };
        let mut due = tokio::time::interval(every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            ledgers.refresh_summaries(every).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_or_within_its_limits() {
        let every = |seconds| Ok(Every(Some(Duration::from_secs(seconds))));
        for (text, expected) in [
            ("off", Ok(Every(None))),
            ("1s", every(1)),
            ("90s", every(90)),
            ("1m", every(60)),
            ("PT1M30S", every(90)),
            ("5m", every(300)),
        ] {
            assert_eq!(text.parse::<Every>(), expected, "{text}");
        }
        for bad in ["", "0", "1", "0s", "999ms", "5m 1s", "-1m", "1h", "never"] {
            assert!(bad.parse::<Every>().is_err(), "{bad}");
        }
        assert_eq!(Every::default().to_string().parse::<Every>(), Ok(Every::default()));
    }
}
