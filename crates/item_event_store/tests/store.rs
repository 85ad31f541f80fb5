//! The contract with a database, as promises: written once, stamped out for every backend. Each
//! promise gets an empty ledger, and at its end the whole log is verified against the counts.

#[path = "store/append.rs"]
mod append;
#[path = "store/as_of.rs"]
mod as_of;
#[path = "store/backend.rs"]
mod backend;
#[path = "store/backup.rs"]
mod backup;
#[path = "store/corrections.rs"]
mod corrections;
#[path = "store/counts.rs"]
mod counts;
#[path = "store/distributed.rs"]
mod distributed;
#[path = "store/follow.rs"]
mod follow;
#[path = "store/guards.rs"]
mod guards;
#[path = "store/ledgers.rs"]
mod ledgers;
#[path = "store/migrate.rs"]
mod migrate;
#[path = "store/model.rs"]
mod model;
#[path = "store/order.rs"]
mod order;
#[path = "store/rebuild.rs"]
mod rebuild;
#[path = "store/requests.rs"]
mod requests;
#[path = "store/rules.rs"]
mod rules;
#[path = "store/summary.rs"]
mod summary;
#[path = "store/verify.rs"]
mod verify;

/// Stamps out promises for one backend.
macro_rules! promises {
    ($backend:ident; $($chapter:ident: $($promise:ident),+ $(,)?;)+) => {
        mod $backend {
            $(mod $chapter {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let t = crate::backend::$backend().await;
                    crate::$chapter::$promise(&t).await;
                    t.finish().await;
                })+
            })+
        }
    };
}

/// What every backend promises, and what more this one does.
macro_rules! suite {
    ($backend:ident; $($more:tt)*) => {
        promises! { $backend;
            append:
                positions_and_versions_have_no_gaps,
                an_item_and_its_initial_event_are_one_request,
                a_rejected_request_records_nothing,
                a_poisoned_command_leaves_its_neighbours_alone,
                created_at_never_goes_back,
                the_largest_request_is_recorded_whole,
                what_was_acknowledged_is_there_after_reopening;
            requests:
                the_same_key_gives_the_stored_outcome,
                a_replay_is_told_as_it_was_then,
                a_rejection_is_stored_too,
                other_content_is_refused,
                the_same_key_in_flight_waits_for_the_first,
                a_replay_ranks_before_the_checks,
                a_request_without_events_is_replayed,
                what_they_say_of_the_log_is_read_in_pages,
                a_role_is_checked_before_anything_is_stored;
            rules:
                the_last_unit_goes_to_exactly_one,
                random_commands_answer_as_the_model_does;
            order:
                an_open_transaction_elsewhere_means_not_started,
                the_writer_catches_up_before_it_decides,
                a_writer_and_a_shell_that_take_turns_lose_nothing,
                a_full_queue_refuses;
            counts:
                a_count_is_read_with_its_position,
                counts_asked_for_together_are_each_item_s_own,
                lists_are_filtered_and_paged,
                items_are_edited_and_archived,
                what_is_negative_is_listed,
                explain_adds_up_to_the_count,
                the_chart_follows_when_things_happened;
            as_of:
                a_position_or_a_time_gives_the_count_of_then,
                the_list_as_of_a_position_is_the_list_of_then,
                an_items_events_are_those_of_the_log;
            corrections:
                corrections_converge_across_restarts,
                a_count_at_an_earlier_time_sees_what_came_after;
            follow:
                catch_up_then_live_without_gap_or_repeat,
                every_cursor_resumes_where_it_was_taken,
                a_cursor_of_another_history_is_refused,
                an_insert_by_hand_is_seen;
            ledgers:
                each_is_a_book_of_its_own,
                one_that_does_not_exist_is_not_made_by_asking,
                they_are_listed_with_what_is_chosen_for_them,
                an_archived_one_takes_no_requests_and_can_be_read,
                what_is_chosen_elsewhere_holds_for_the_next_batch,
                an_unused_one_is_closed_and_opens_again,
                many_asking_for_one_at_once_share_its_writer,
                no_more_are_open_than_the_limit;
            verify:
                a_clean_ledger_is_clean,
                it_works_while_the_ledger_is_written_to,
                what_is_typed_by_hand_is_of_no_request,
                every_kind_of_damage_is_found;
            rebuild:
                a_planted_wrong_count_is_named_and_mended,
                a_count_that_names_another_event_is_found_and_mended,
                a_count_that_was_taken_away_comes_back_with_the_next_event,
                one_item_alone,
                it_works_while_the_ledger_is_written_to,
                no_write_waits_longer_than_what_is_under_way,
                a_log_that_does_not_add_up_is_left_alone,
                a_wrong_row_never_reaches_a_decision;
            summary:
                it_is_true_up_to_its_position,
                a_refresh_goes_on_where_the_last_one_stopped,
                late_events_and_corrections_land_on_their_day,
                business_days_follow_the_zone_and_the_hour,
                another_zone_or_hour_makes_it_anew,
                rows_are_filtered_and_paged,
                the_opening_is_the_balance_before_the_first_day,
                events_are_added_in_bounded_steps,
                rows_are_cleared_in_bounded_steps,
                a_step_on_what_is_no_longer_so_is_not_taken,
                two_that_refresh_at_once_add_every_event_once,
                it_is_refreshed_while_the_ledger_is_written_to,
                what_is_wrong_is_found_and_mended,
                it_is_what_a_plain_fold_says;
            backup:
                a_backup_under_load_is_a_ledger,
                a_restored_ledger_has_a_new_epoch;
            migrate:
                opening_again_changes_nothing,
                a_newer_schema_is_refused;
            $($more)*
        }
    };
}

/// With triggers the database itself holds a raw insert to the rules.
macro_rules! guarded_suite {
    ($backend:ident) => {
        suite! { $backend;
            guards:
                the_note_s_insert_works_as_written,
                what_breaks_a_rule_is_refused,
                the_log_cannot_be_changed,
                nobody_writes_a_complete_row,
                counts_change_only_as_events_explain,
                items_requests_and_the_head_are_guarded,
                items_can_be_made_by_hand,
                nobody_writes_the_summary;
        }
    };
}

guarded_suite!(sqlite);
guarded_suite!(postgres);
suite! { citus;
    distributed:
        events_and_items_are_recorded_by_hand,
        what_breaks_a_rule_is_refused_in_the_same_words,
        grants_keep_what_is_recorded,
        what_no_grant_stops_is_found;
}

/// `IES_TEST_COMMANDS` says how many commands are sent: every one costs a commit on each backend.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_backend_gives_the_same_answers() {
    let commands = std::env::var("IES_TEST_COMMANDS").ok().and_then(|n| n.parse().ok());
    let (one, other) = (backend::sqlite().await, backend::postgres().await);
    model::compare_backends(&one, &other, commands.unwrap_or(20_000)).await;
    one.finish().await;
    other.finish().await;
}
