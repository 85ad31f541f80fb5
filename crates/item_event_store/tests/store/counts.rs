//! Reading: counts, items, explanations, charts. Each says at which position it is true.

use crate::backend::{
    TestLedger, adjust, bakeoff, bakeoff_at, batch, create, edit, set, special_order,
};
use futures_util::future::join_all;
use item_event_store::command::{Command, CreateItem, EditItem, Expected, SetKind};
use item_event_store::ids::{ItemId, Position};
use item_event_store::query::ItemQuery;
use item_event_store::reason::Kind;

pub async fn counts_asked_for_together_are_each_item_s_own(t: &TestLedger) {
    let items: Vec<_> = (0..40).map(|n| create(&format!("Item {n}"), n)).collect();
    t.all(items).await;
    let store = t.ledger();
    let store = store.store();
    let lookups = (0..400).map(|n| async move {
        let read = store.inventory(ItemId(n % 50), None).await.expect("reads");
        assert!(read.position >= Position(39));
        let quantity = read.value.map(|row| (row.item.id, row.count.quantity));
        assert_eq!(quantity, (1..=40).contains(&(n % 50)).then(|| (ItemId(n % 50), n % 50 - 1)));
    });
    join_all(lookups).await;
}

pub async fn a_count_is_read_with_its_position(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.item("Baguette", 5).await;
    let (ledger, wrong) = (t.ledger(), ItemId(99));
    let read = ledger.store().inventory(item, None).await.expect("reads");
    assert_eq!(read.position, Position(2));
    let row = read.value.expect("an item");
    assert_eq!((row.count.quantity, row.count.version), (10, 1));
    assert_eq!(row.count.last_event_id, Some(Position(1)));
    assert_eq!(ledger.store().inventory(wrong, None).await.expect("reads").value, None);
    assert_eq!(ledger.store().event(Position(3)).await.expect("reads").value, None);
    assert_eq!(ledger.store().head().await.expect("reads").position, Position(2));
}

fn named(name: &str, sku: &str) -> Command {
    let Command::CreateItem(item) = create(name, 1) else { unreachable!() };
    Command::CreateItem(CreateItem { sku: Some(sku.parse().expect("a sku")), ..item })
}

pub async fn lists_are_filtered_and_paged(t: &TestLedger) {
    for (name, sku) in [("Croissant", "A"), ("Baguette", "B"), ("Roll", "C"), ("Roll", "D")] {
        t.one(named(name, sku)).await;
    }
    let archived = Some(true);
    t.one(Command::EditItem(EditItem { archived, ..edit(ItemId(4)) })).await;
    let ledger = t.ledger();
    let list = async |query: ItemQuery| -> Vec<i64> {
        let rows = ledger.store().inventories(&query, None).await.expect("reads").value;
        rows.iter().map(|row| row.item.id.0).collect()
    };
    let all = || ItemQuery { limit: 10, ..ItemQuery::default() };
    assert_eq!(list(all()).await, [1, 2, 3, 4]);
    assert_eq!(list(ItemQuery { limit: 2, ..all() }).await, [1, 2]);
    assert_eq!(list(ItemQuery { after: Some(ItemId(2)), ..all() }).await, [3, 4]);
    assert_eq!(list(ItemQuery { item: Some(ItemId(2)), ..all() }).await, [2]);
    assert_eq!(list(ItemQuery { sku: "C".parse().ok(), ..all() }).await, [3]);
    assert_eq!(list(ItemQuery { name: "Roll".parse().ok(), ..all() }).await, [3, 4]);
    assert_eq!(list(ItemQuery { archived: Some(false), ..all() }).await, [1, 2, 3]);
    assert_eq!(list(ItemQuery { archived: Some(true), ..all() }).await, [4]);
}

pub async fn items_are_edited_and_archived(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let name = Some("Cornetto".parse().expect("a name"));
    let sku = Some("C-1".parse().ok());
    let edited = t.one(Command::EditItem(EditItem { name, sku, ..edit(item) })).await;
    assert_eq!(edited.items[0].name.as_str(), "Cornetto");
    assert_eq!(edited.items[0].revision, 2);
    t.reopen().await;
    assert_eq!(t.rejection(named("Other", "C-1")).await.code(), "sku_taken");
    t.one(Command::EditItem(EditItem { archived: Some(true), ..edit(item) })).await;
    assert_eq!(t.rejection(batch(item, 1)).await.code(), "item_archived");
    t.one(Command::EditItem(EditItem { archived: Some(false), ..edit(item) })).await;
    t.one(batch(item, 1)).await;
    let changes = t.ledger().store().item_changes(0, i64::MAX).await.expect("reads");
    let actions: Vec<_> = changes.iter().map(|change| change.action.as_str()).collect();
    assert_eq!(actions, ["created", "edited", "archived", "unarchived"]);
    assert!(changes.iter().all(|c| c.actor.as_ref().is_some_and(|a| a.as_str() == "anna")));
}

pub async fn what_is_negative_is_listed(t: &TestLedger) {
    let Command::CreateItem(ice) = create("Ice", 1) else { unreachable!() };
    let ice = t.one(Command::CreateItem(CreateItem { allow_negative: true, ..ice })).await;
    let item = ice.items[0].id;
    t.item("Croissant", 10).await;
    t.one(bakeoff(item, 3)).await;
    let negative = t.ledger().store().negative(10).await.expect("reads").value;
    assert_eq!(negative.len(), 1);
    assert_eq!((negative[0].item.id, negative[0].count.quantity), (item, -2));
    t.one(set(item, SetKind::Count { counted_at: None }, 0, Expected::Any)).await;
    assert!(t.ledger().store().negative(10).await.expect("reads").value.is_empty());
}

pub async fn explain_adds_up_to_the_count(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.item("Baguette", 77).await;
    t.all(vec![batch(item, 24), batch(item, 24), bakeoff(item, 6), special_order(item, 3)]).await;
    t.one(adjust(item, Kind::Waste, -2)).await;
    t.one(set(item, SetKind::Count { counted_at: None }, 40, Expected::Any)).await;
    t.one(batch(item, 12)).await;
    t.one(crate::backend::correct(Position(9), 10)).await;
    let explained = t.ledger().store().explain(item, 3).await.expect("reads").value;
    let explained = explained.expect("an item");
    let sums: Vec<_> = explained
        .sums
        .iter()
        .map(|s| (s.reason.as_str(), s.kind.map_or("", Kind::as_str), s.events, s.quantity_change))
        .collect();
    assert_eq!(
        sums,
        [
            ("initial", "", 1, 10),
            ("batch", "", 3, 60),
            ("bakeoff", "", 1, -6),
            ("special_order", "", 1, -3),
            ("adjustment", "count", 1, -7),
            ("adjustment", "correction", 1, -2),
            ("adjustment", "waste", 1, -2),
        ]
    );
    assert_eq!(explained.count.quantity, sums.iter().map(|sum| sum.3).sum::<i64>());
    assert_eq!(explained.last_count.map(|event| event.id), Some(Position(8)));
    let last: Vec<_> = explained.last_events.iter().map(|event| event.id.0).collect();
    assert_eq!(last, [10, 9, 8]);
    assert_eq!(explained.corrections.len(), 1);
    assert!(t.ledger().store().explain(ItemId(99), 3).await.expect("reads").value.is_none());
}

pub async fn the_chart_follows_when_things_happened(t: &TestLedger) {
    let item = t.item("Croissant", 30).await;
    t.one(bakeoff_at(item, 6, "2026-11-21T09:00:00Z")).await;
    t.one(bakeoff(item, 4)).await;
    let chart = t.ledger().chart(item).await.expect("reads");
    assert_eq!(chart.position, Position(3));
    let days: Vec<_> = chart
        .value
        .expect("an item")
        .days
        .iter()
        .map(|day| (day.day.to_string(), day.opening, day.closing, day.lowest))
        .collect();
    assert_eq!(
        days,
        [
            ("2026-11-21".to_owned(), 0, -6, -6),
            ("2026-11-22".to_owned(), -6, -6, -6),
            ("2026-11-23".to_owned(), -6, 20, -6),
        ]
    );
    assert!(t.ledger().chart(ItemId(9)).await.expect("reads").value.is_none());
}
