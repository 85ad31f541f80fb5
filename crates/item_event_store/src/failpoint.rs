//! Named steps at which a test build can be made to die, so that recovery is tested from every one
//! of them. Only the cargo feature `failpoints` makes them anything: no other build has them.

/// Passes a step. `IES_FAILPOINT=step:n` kills the process when it comes by for the n-th time.
macro_rules! failpoint {
    ($step:literal) => {
        #[cfg(feature = "failpoints")]
        $crate::failpoint::reach($step);
    };
}
pub(crate) use failpoint;

#[cfg(feature = "failpoints")]
pub(crate) fn reach(step: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static CHOSEN: LazyLock<Option<(String, AtomicU64)>> = LazyLock::new(|| {
        let chosen = std::env::var("IES_FAILPOINT").ok()?;
        let (step, left) = chosen.split_once(':')?;
        Some((step.to_owned(), AtomicU64::new(left.parse().ok()?)))
    });
    if let Some((chosen, left)) = &*CHOSEN
        && chosen == step
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}
