//! The mistakes. `BUG` stands for the switch.

use super::Bug;
use crate::campaign::Kind::{Ambiguous, Every, Images, Kill, Power, Simulate, Two};
use crate::place::Backend::{Postgres, Sqlite};

#[rustfmt::skip]
pub const ALL: &[Bug] = &[
    Bug {
        name: "acknowledged_without_commit",
        file: "item_event_store/src/writer/commit.rs",
        right: r"        if !tx.append(&plan.batch).await? {",
        wrong: r"        if BUG { drop(tx) } else if !tx.append(&plan.batch).await? {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "answers_of_neighbours",
        file: "item_event_store/src/writer.rs",
        right: r"    for (job, reply) in jobs.into_iter().zip(replies) {",
        wrong: r"    let mut replies = replies;
    if BUG { replies.reverse() }
    for (job, reply) in jobs.into_iter().zip(replies) {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "unknown_told_as_not_started",
        file: "item_event_store/src/writer.rs",
        right: r"                self.resolve(&mut jobs, why).await",
        wrong: r"                if BUG { Err(StoreError::Busy(why)) }
                else { self.resolve(&mut jobs, why).await }",
        found_by: &[(Ambiguous, Postgres)],
    },
    Bug {
        name: "lost_statement_told_as_not_started",
        file: "item_event_store/src/store/postgres/error.rs",
        right: r"error.code().filter(|_| is_plain_error(error)) else { return false };",
        wrong: r"error.code().filter(|_| is_plain_error(error)) else { return BUG };",
        found_by: &[(Ambiguous, Postgres)],
    },
    Bug {
        name: "declined_batch_left_in_the_book",
        file: "item_event_store/src/writer/batch.rs",
        right: r"        self.undo.apply(&mut memory.book);",
        wrong: r"        if !BUG { self.undo.apply(&mut memory.book) }",
        found_by: &[(Kill, Postgres)],
    },
    Bug {
        name: "moved_past_its_own_item",
        file: "item_event_store/src/writer/batch.rs",
        right: r"        items.dedup();",
        wrong: r"        items.dedup();
        if BUG { items.clear() }",
        found_by: &[(Two, Postgres)],
    },
    Bug {
        name: "moved_past_an_expected_version",
        file: "item_event_store/src/command.rs",
        right: r"            Self::Record(record) => record.expected_version.is_none(),",
        wrong: r"            Self::Record(record) => BUG || record.expected_version.is_none(),",
        found_by: &[(Two, Postgres)],
    },
    Bug {
        name: "moved_past_the_time",
        file: "item_event_store/src/writer/batch.rs",
        right: r"!rejected.rejection.depends_on_time(),",
        wrong: r"BUG || !rejected.rejection.depends_on_time(),",
        found_by: &[(Two, Postgres)],
    },
    Bug {
        name: "moved_batch_told_as_decided",
        file: "item_event_store/src/writer/batch.rs",
        right: r"        memory.pass(others);",
        wrong: r"        if !BUG { memory.pass(others) }",
        found_by: &[(Two, Postgres)],
    },
    Bug {
        name: "time_goes_back",
        file: "item_event_store/src/writer/commit.rs",
        right: r"self.clock.now().max(memory.head.last_created_at)",
        wrong: r"if BUG { self.clock.now() }
            else { self.clock.now().max(memory.head.last_created_at) }",
        found_by: &[(Simulate, Sqlite)],
    },
    Bug {
        name: "synchronous_normal",
        file: "item_event_store/src/store/sqlite/connection.rs",
        right: r#""synchronous", "FULL""#,
        wrong: r#""synchronous", if BUG { "NORMAL" } else { "FULL" }"#,
        found_by: &[(Simulate, Sqlite), (Power, Sqlite)],
    },
    Bug {
        name: "synchronous_commit_off",
        file: "item_event_store/src/store/postgres/write.rs",
        right: "let statement = conn.prepare(APPEND_BATCH).await?;",
        wrong: r#"let off = "SELECT *, set_config('synchronous_commit', 'off', true)";
        let sql = APPEND_BATCH.replace("SELECT *", if BUG { off } else { "SELECT *" });
        let statement = conn.prepare(&sql).await?;"#,
        found_by: &[(Power, Postgres)],
    },
    Bug {
        name: "recovered_not_made_to_last",
        file: "item_event_store/src/store/sqlite/connection.rs",
        right: r"    let (in_wal, written) =",
        wrong: r"    if BUG { return Ok(()) }
    let (in_wal, written) =",
        found_by: &[(Every, Sqlite)],
    },
    Bug {
        name: "older_log_comes_back",
        file: "item_event_store/src/store/sqlite/connection.rs",
        right: r"conn.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE)?;",
        wrong: r"conn.wal_checkpoint_v2(DEFAULT_NAME,
            if BUG { CheckpointMode::PASSIVE } else { CheckpointMode::TRUNCATE })?;",
        found_by: &[(Every, Sqlite)],
    },
    Bug {
        name: "name_of_the_log_not_made_to_last",
        file: "item_event_store/src/store/sqlite/connection.rs",
        right: r"    files::sync_name(path)
}",
        wrong: r"    if BUG { Ok(()) } else { files::sync_name(path) }
}",
        found_by: &[(Every, Sqlite)],
    },
    Bug {
        name: "failing_disk_taken_for_a_refusal",
        file: "item_event_store/src/store/sqlite/error.rs",
        right: r"| ErrorCode::CannotOpen) => StoreError::Broken(text),",
        wrong: r"| ErrorCode::CannotOpen) =>
                if BUG { StoreError::Failed(text) } else { StoreError::Broken(text) },",
        found_by: &[(Simulate, Sqlite)],
    },
    Bug {
        name: "name_of_the_store_not_made_to_last",
        file: "item_event_store/src/store/sqlite/files.rs",
        right: r".try_for_each(sync_name)",
        wrong: r".try_for_each(|path| if BUG { Ok(()) } else { sync_name(path) })",
        found_by: &[(Images, Sqlite)],
    },
    Bug {
        name: "recorded_told_as_not_started",
        file: "item_event_store/src/ledger.rs",
        right: r"                replayed::answer(self.store(), stored).await.map_err(|error| {",
        wrong: r"                replayed::answer(self.store(), stored).await.map_err(|error| {
                    if BUG { return ExecuteError::Store(error) }",
        found_by: &[(Simulate, Sqlite)],
    },
    Bug {
        name: "commit_error_told_as_failure",
        file: "item_event_store/src/store/sqlite/write.rs",
        right: r"if self.roll_back() && before_the_end {",
        wrong: r"if self.roll_back() && (before_the_end || BUG) {",
        found_by: &[(Every, Sqlite)],
    },
    Bug {
        name: "counts_not_written",
        file: "item_event_store/src/store/sqlite/append.rs",
        right: r"    put_counts(conn, &batch.inventory)?;",
        wrong: r"    if !BUG { put_counts(conn, &batch.inventory)? }",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "key_of_other_content_replayed",
        file: "item_event_store/src/writer/batch.rs",
        right: r"Some(earlier) if earlier.hash == job.hash => Some",
        wrong: r"Some(earlier) if earlier.hash == job.hash || BUG => Some",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "cursor_off_by_one",
        file: "item_event_store/src/follow.rs",
        right: r"Self { epoch, position: event.id, tag: event.tag() }",
        wrong: r"let position = if BUG { event.id.plus(1) } else { event.id };
        Self { epoch, position, tag: event.tag() }",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "follower_skips",
        file: "item_event_store/src/follow.rs",
        right: r"                after: Some(self.position),",
        wrong: r"                after: Some(self.position.plus(usize::from(BUG))),",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "role_not_checked",
        file: "item_event_store/src/ledger.rs",
        right: r"if role < required {",
        wrong: r"if role < required && !BUG {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "replay_cut_short",
        file: "item_event_store/src/ledger/replayed.rs",
        right: r"before: Some(stored.position.plus(1)),",
        wrong: r"before: Some(stored.position.plus(usize::from(!BUG))),",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "rejected_leaves_a_trace",
        file: "item_event_store/src/decide/draft.rs",
        right: r"                    self.roll_back(first_event, first_change, undone);",
        wrong: r"                    if !BUG { self.roll_back(first_event, first_change, undone) }",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "version_skips",
        file: "item_event_store/src/decide/draft.rs",
        right: r"version: before.version + 1,",
        wrong: r"version: before.version + 1 + i64::from(BUG),",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "balance_not_added",
        file: "item_event_store/src/decide/draft.rs",
        right: r"quantity_after: before.quantity + new.quantity_change,",
        wrong: r"quantity_after: before.quantity + if BUG { 0 } else { new.quantity_change },",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "stock_not_checked",
        file: "item_event_store/src/decide/rules.rs",
        right: r"after < 0 && !item.allow_negative {",
        wrong: r"after < 0 && !item.allow_negative && !BUG {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "sign_forgotten",
        file: "item_event_store/src/decide/rules.rs",
        right: r"Sign::Out => -record.quantity,",
        wrong: r"Sign::Out => if BUG { record.quantity } else { -record.quantity },",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "stale_quantity_accepted",
        file: "item_event_store/src/decide/rules.rs",
        right: r"            && expected != count.quantity",
        wrong: r"            && expected != count.quantity && !BUG",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "version_not_checked",
        file: "item_event_store/src/decide/rules.rs",
        right: r"if expected_version != count.version => {",
        wrong: r"if expected_version != count.version && !BUG => {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "archived_accepted",
        file: "item_event_store/src/decide/rules.rs",
        right: r"        if item.archived_at.is_some() {",
        wrong: r"        if item.archived_at.is_some() && !BUG {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "empty_override_recorded",
        file: "item_event_store/src/decide/rules.rs",
        right: r"if quantity_change == 0 && kind == Kind::Override {",
        wrong: r"if quantity_change == 0 && kind == Kind::Override && !BUG {",
        found_by: &[(Simulate, Sqlite)],
    },
    Bug {
        name: "later_changes_forgotten",
        file: "item_event_store/src/decide/rules.rs",
        right: r"            balance_then -= self.changes_since(item.id, at);",
        wrong: r"            if !BUG { balance_then -= self.changes_since(item.id, at) }",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "earlier_corrections_forgotten",
        file: "item_event_store/src/decide/rules.rs",
        right: r"original.quantity_change + target.corrected_by;",
        wrong: r"original.quantity_change + if BUG { 0 } else { target.corrected_by };",
        found_by: &[(Simulate, Sqlite)],
    },
    Bug {
        name: "counted_event_corrected",
        file: "item_event_store/src/decide/rules.rs",
        right: r".filter(|last| original.id < last.position)",
        wrong: r".filter(|last| original.id < last.position && !BUG)",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "older_count_accepted",
        file: "item_event_store/src/decide/rules.rs",
        right: r".filter(|last| at < last.at)",
        wrong: r".filter(|last| at < last.at && !BUG)",
        found_by: &[(Simulate, Sqlite)],
    },
    Bug {
        name: "sku_taken_twice",
        file: "item_event_store/src/decide/rules.rs",
        right: r"Some(owner) if owner != item => {",
        wrong: r"Some(owner) if owner != item && !BUG => {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "future_accepted",
        file: "item_event_store/src/decide/rules.rs",
        right: r"Some(at) if at > self.base.now",
        wrong: r"Some(at) if !BUG && at > self.base.now",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "zero_accepted",
        file: "item_event_store/src/decide/rules.rs",
        right: r"    if quantity == 0 {",
        wrong: r"    if quantity == 0 && !BUG {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "override_as_adjustment",
        file: "item_event_store/src/decide/rules.rs",
        right: r"if adjust.kind.settles() || adjust.kind == Kind::Correction {",
        wrong: r"if (adjust.kind.settles() || adjust.kind == Kind::Correction) && !BUG {",
        found_by: &[(Kill, Sqlite)],
    },
    Bug {
        name: "every_sign_accepted",
        file: "item_event_store/src/decide/rules.rs",
        right: r"    if !sign.admits(quantity) {",
        wrong: r"    if !sign.admits(quantity) && !BUG {",
        found_by: &[(Kill, Sqlite)],
    },
];
