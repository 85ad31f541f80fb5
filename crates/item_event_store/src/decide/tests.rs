//! The rules as tables: a request a line, what becomes of it behind the arrow. Several commands in
//! one request are parted by `;`. Requests are decided one in each batch, and then again all in
//! one batch: the outcome may not differ.

mod bench;

use super::{Base, Draft};
use crate::book::Book;
use crate::facts::{Facts, Wanted};
use crate::ids::Position;
use crate::reason::Reason;
use crate::summary::Sums;
use crate::time::BusinessDay;
use bench::{check, clock, request};

#[test]
fn an_item_begins_with_its_initial_quantity_or_with_nothing() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         create Baguette                        -> nothing
         create Roll 0                          -> nothing
         create Bun -1                          -> 1:invalid_sign
         create Bun 2000000000                  -> initial +2000000000 = 2000000000
         create Bun 2000000001                  -> 1:quantity_out_of_range
         create Cake 5 sku=C1                   -> initial +5 = 5
         create Tart 5 sku=C1                   -> 1:sku_taken
         create Tart 1 at=00:05                 -> initial +1 = 1
         create Tart 1 at=00:06                 -> 1:occurred_in_future
         batch 2 6                              -> batch +6 = 6",
    );
}

#[test]
fn movements_take_a_positive_quantity_and_have_their_own_sign() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         batch 1 24                             -> batch +24 = 34
         bakeoff 1 6                            -> bakeoff -6 = 28
         special_order 1 3                      -> special_order -3 = 25
         batch 1 0                              -> 1:zero_quantity
         batch 1 -1                             -> 1:invalid_sign
         bakeoff 1 -1                           -> 1:invalid_sign
         special_order 1 2000000001             -> 1:quantity_out_of_range
         batch 1 1999999975                     -> batch +1999999975 = 2000000000
         batch 1 1                              -> 1:quantity_out_of_range
         batch 9 1                              -> 1:item_not_found",
    );
}

#[test]
fn adjustments_go_the_way_of_their_kind() {
    check(
        "create Croissant 100                   -> initial +100 = 100
         adjust 1 waste -1                      -> adjustment/waste -1 = 99
         adjust 1 damage -1                     -> adjustment/damage -1 = 98
         adjust 1 expired -1                    -> adjustment/expired -1 = 97
         adjust 1 sample -1                     -> adjustment/sample -1 = 96
         adjust 1 waste 1                       -> 1:invalid_sign
         adjust 1 return 1                      -> adjustment/return +1 = 97
         adjust 1 return -1                     -> 1:invalid_sign
         adjust 1 transfer -7                   -> adjustment/transfer -7 = 90
         adjust 1 transfer 7                    -> adjustment/transfer +7 = 97
         adjust 1 other 3                       -> adjustment/other +3 = 100
         adjust 1 other 0                       -> 1:zero_quantity
         adjust 1 other -2000000001             -> 1:quantity_out_of_range
         adjust 1 override 3                    -> 1:kind_not_allowed
         adjust 1 count 3                       -> 1:kind_not_allowed
         adjust 1 correction 3                  -> 1:kind_not_allowed",
    );
}

#[test]
fn a_count_never_falls_below_zero_unless_the_item_says_so() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         bakeoff 1 11                           -> 1:insufficient_stock
         bakeoff 1 10                           -> bakeoff -10 = 0
         adjust 1 waste -1                      -> 1:insufficient_stock
         create Ice 1 negative                  -> initial +1 = 1
         override 2 -2 expect=any               -> adjustment/override -3 = -2
         override 2 1 expect=any                -> adjustment/override +3 = 1
         bakeoff 2 3                            -> bakeoff -3 = -2
         edit 2 strict                          -> nothing
         bakeoff 2 1                            -> 1:insufficient_stock
         batch 2 1                              -> batch +1 = -1
         override 2 -1 expect=any               -> 1:quantity_out_of_range",
    );
}

#[test]
fn commands_of_one_request_see_the_ones_before_and_all_count_or_none() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         bakeoff 1 6; bakeoff 1 6               -> 2:insufficient_stock
         bakeoff 1 6; bakeoff 1 4               -> bakeoff -6 = 4, bakeoff -4 = 0
         batch 1 6; bakeoff 1 6; bakeoff 1 1    -> 3:insufficient_stock
         batch 1 1                              -> batch +1 = 1
         create Roll 3; bakeoff 2 3             -> initial +3 = 3, bakeoff -3 = 0
         create Bun 3 sku=B; batch 9 1          -> 2:item_not_found
         create Bun 3 sku=B                     -> initial +3 = 3
         bakeoff 3 1                            -> bakeoff -1 = 2",
    );
}

#[test]
fn an_absolute_quantity_is_set_against_what_the_caller_expects() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         override 1 12 expect=unstated          -> 1:expected_quantity_required
         override 1 12 expect=9                 -> 1:expected_quantity_stale
         override 1 12 expect=10                -> adjustment/override +2 = 12
         override 1 12 expect=any               -> nothing
         count 1 12 expect=12                   -> adjustment/count +0 = 12
         count 1 7 expect=any                   -> adjustment/count -5 = 7
         override 1 0 expect=any                -> adjustment/override -7 = 0
         override 1 -1 expect=any               -> 1:quantity_out_of_range
         override 1 2000000001 expect=any       -> 1:quantity_out_of_range
         override 1 5 expect=10; override 1 6 expect=5 -> 1:expected_quantity_stale
         override 1 5 expect=0; override 1 6 expect=5 -> adjustment/override +5 = 5, adjustment/override +1 = 6",
    );
}

#[test]
fn a_count_holds_for_the_moment_at_which_it_was_counted() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         now 01:00                              ->
         bakeoff 1 4                            -> bakeoff -4 = 6
         now 02:00                              ->
         count 1 9 expect=any counted=00:30     -> adjustment/count -1 = 5
         count 1 9 expect=any counted=00:30     -> adjustment/count +0 = 5
         count 1 9 expect=any counted=00:29     -> 1:before_last_count
         count 1 5 expect=any counted=01:30     -> adjustment/count +0 = 5
         batch 1 6 at=01:45                     -> batch +6 = 11
         count 1 5 expect=any counted=01:40     -> adjustment/count +0 = 11
         count 1 8 expect=any counted=02:06     -> 1:occurred_in_future
         override 1 8 expect=any                -> adjustment/override -3 = 8
         count 1 8 expect=any counted=01:59     -> 1:before_last_count
         bakeoff 1 8                            -> bakeoff -8 = 0
         now 03:00                              ->
         count 1 7 expect=any counted=02:30     -> adjustment/count +7 = 7
         create Ice 5 negative                  -> initial +5 = 5
         now 04:00                              ->
         bakeoff 2 7                            -> bakeoff -7 = -2
         edit 2 strict                          -> nothing
         count 2 5 expect=any counted=03:30     -> adjustment/count +0 = -2",
    );
}

#[test]
fn a_correction_says_what_an_event_should_have_been() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         batch 1 24                             -> batch +24 = 34
         correct 2 20                           -> adjustment/correction -4 = 30
         correct 2 22                           -> adjustment/correction +2 = 32
         correct 2 22                           -> nothing
         correct 2 0                            -> adjustment/correction -22 = 10
         correct 2 24                           -> adjustment/correction +24 = 34
         correct 2 -1                           -> 1:invalid_sign
         correct 3 1                            -> 1:not_correctable
         correct 99 1                           -> 1:event_not_found
         correct 0 1                            -> 1:event_not_found
         correct 2 2000000001                   -> 1:quantity_out_of_range
         bakeoff 1 30                           -> bakeoff -30 = 4
         correct 2 19                           -> 1:insufficient_stock
         correct 7 -34                          -> adjustment/correction -4 = 0
         correct 7 1                            -> 1:invalid_sign
         correct 7 0                            -> adjustment/correction +34 = 34",
    );
}

#[test]
fn a_correction_cannot_reach_behind_a_count() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         batch 1 24                             -> batch +24 = 34
         count 1 30 expect=any                  -> adjustment/count -4 = 30
         correct 2 20                           -> 1:before_last_count
         correct 3 -5                           -> 1:not_correctable
         batch 1 1                              -> batch +1 = 31
         correct 4 2                            -> adjustment/correction +1 = 32
         override 1 5 expect=any                -> adjustment/override -27 = 5
         correct 4 1                            -> 1:before_last_count
         correct 6 1                            -> 1:not_correctable
         correct 5 1                            -> 1:not_correctable",
    );
}

#[test]
fn an_archived_item_takes_nothing_until_it_is_back() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         edit 1 archive                         -> nothing
         batch 1 1                              -> 1:item_archived
         correct 1 5                            -> 1:item_archived
         override 1 5 expect=any                -> 1:item_archived
         edit 1 name=Cornetto                   -> 1:item_archived
         edit 1 back                            -> nothing
         batch 1 1                              -> batch +1 = 11
         edit 9 name=X                          -> 1:item_not_found
         create Roll sku=R                      -> nothing
         edit 1 sku=R                           -> 1:sku_taken
         edit 2 sku=                            -> nothing
         edit 1 sku=R                           -> nothing
         edit 1 sku=R                           -> nothing",
    );
}

#[test]
fn when_several_rejections_apply_the_order_of_precedence_decides() {
    check(
        "create Croissant 10                    -> initial +10 = 10
         edit 1 archive                         -> nothing
         create Roll 5                          -> initial +5 = 5
         override 9 2000000001 expect=unstated  -> 1:expected_quantity_required
         adjust 9 count 0 at=09:00              -> 1:kind_not_allowed
         batch 9 0 at=09:00                     -> 1:zero_quantity
         batch 9 -2000000001 at=09:00           -> 1:invalid_sign
         batch 9 2000000001 at=09:00            -> 1:quantity_out_of_range
         batch 9 1 at=09:00                     -> 1:occurred_in_future
         batch 9 1 v=5                          -> 1:item_not_found
         bakeoff 1 99 v=5                       -> 1:item_archived
         bakeoff 2 99 v=5                       -> 1:version_mismatch
         override 2 -1 expect=4 v=5             -> 1:version_mismatch
         override 2 -1 expect=4 v=1             -> 1:expected_quantity_stale
         count 2 -1 expect=5 v=1 counted=00:00  -> 1:quantity_out_of_range
         bakeoff 2 99 v=1                       -> 1:insufficient_stock
         count 2 5 expect=any                   -> adjustment/count +0 = 5
         correct 2 -5                           -> 1:invalid_sign
         correct 2 4                            -> 1:before_last_count
         correct 3 -9                           -> 1:not_correctable
         correct 1 -9                           -> 1:item_archived
         create Bun -1 sku=X at=09:00           -> 1:invalid_sign",
    );
}

#[test]
fn every_change_of_an_item_has_its_number_and_says_what_it_did() {
    let (mut book, facts) = (Book::default(), Facts::default());
    let base = Base { position: Position(7), items_revision: 3, now: clock("00:00") };
    let mut draft = Draft::new(&mut book, &facts, base);
    let changes = "create Roll 10; edit 1 name=Bun; edit 1 archive; edit 1 back";
    draft.decide(&request(changes), 1).expect("accepted");
    let told: Vec<_> = draft
        .finish()
        .item_changes
        .iter()
        .map(|c| (c.revision, c.item.revision, c.action.as_str(), c.position.0))
        .collect();
    assert_eq!(
        told,
        [(4, 4, "created", 7), (5, 5, "edited", 8), (6, 6, "archived", 8), (7, 7, "unarchived", 8)]
    );
}

#[test]
fn only_what_looks_back_needs_facts() {
    let needs = |text| !Wanted::by([&request(text)]).is_empty();
    for text in ["create Roll 10", "batch 1 2", "count 1 2 expect=any", "edit 1 archive"] {
        assert!(!needs(text), "{text}");
    }
    for text in ["correct 2 5", "count 1 2 expect=any counted=00:10", "batch 1 2; correct 2 5"] {
        assert!(needs(text), "{text}");
    }
}

#[test]
fn events_of_one_day_item_and_reason_are_one_row_of_the_summary() {
    let (mut book, facts) = (Book::default(), Facts::default());
    let base = Base { position: Position::START, items_revision: 0, now: clock("00:00") };
    let mut draft = Draft::new(&mut book, &facts, base);
    draft.decide(&request("create Roll 10; bakeoff 1 4; bakeoff 1 1"), 1).expect("accepted");
    let mut sums = Sums::new(BusinessDay::new("UTC", 0).expect("UTC"));
    draft.finish().events.iter().for_each(|event| sums.add(event));
    let rows: Vec<_> = sums
        .rows()
        .iter()
        .map(|row| (row.key.reason, row.sum.events, row.sum.quantity_change))
        .collect();
    assert_eq!(rows, [(Reason::Initial, 1, 10), (Reason::Bakeoff, 2, -5)]);
}
