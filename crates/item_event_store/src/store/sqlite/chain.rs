//! How an item's events find each other without an index: every row names the item's event before
//! it and two further back, so that any earlier event is reached in steps that grow with the
//! logarithm of the item's events. The log stays a table that only grows at its end, whatever the
//! number of items.
//!
//! The links are those of a random-access stack (E. W. Myers, An applicative random-access stack,
//! Information Processing Letters 17, 1983): events form trees of 1, 3, 7, 15 … events. The event
//! at the root of a tree names the root of the next one, and here also the roots of its own two
//! halves, so that one look decides which half to go on with.

use crate::ids::{ItemId, Position};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::fmt;

/// What an event's row says of the events before it; [`Position::START`] where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Links {
    /// The item's event before this one.
    pub previous: Position,
    /// The root of the older half of its tree; none where it is all of its tree.
    pub middle: Position,
    /// The root of the next tree.
    pub jump: Position,
}

impl Links {
    /// The furthest of them that is still after a position; the event before where none is.
    pub fn towards(&self, position: Position) -> Position {
        let further = [self.jump, self.middle].into_iter().find(|back| *back > position);
        further.unwrap_or(self.previous)
    }

    /// Whether they can be those of the event at a position: all lead back.
    pub fn lead_back_from(&self, at: Position) -> bool {
        let Self { previous, middle, jump } = *self;
        let halves = middle == Position::START || (jump < middle && middle < previous);
        previous < at && jump <= previous && halves
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} and {}", self.previous, self.middle, self.jump)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tree {
    events: i64,
    root: Position,
}

/// The trees of one item's events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    version: i64,
    trees: Vec<Tree>,
}

impl Chain {
    /// The chain of an item at a version, given the roots of its trees, newest first.
    pub fn with_roots(version: i64, roots: impl IntoIterator<Item = Position>) -> Self {
        let mut trees: Vec<Tree> =
            tree_sizes(version).zip(roots).map(|(events, root)| Tree { events, root }).collect();
        trees.reverse();
        Self { version, trees }
    }

    /// The version of the item's last event.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The item's last event.
    pub fn last(&self) -> Position {
        self.trees.last().map_or(Position::START, |tree| tree.root)
    }

    /// Adds the item's next event, and gives the links of its row.
    pub fn push(&mut self, position: Position) -> Links {
        let previous = self.last();
        self.version += 1;
        let (mut events, mut middle) = (1, Position::START);
        if let [.., before, last] = self.trees[..]
            && before.events == last.events
        {
            (events, middle) = (1 + 2 * last.events, before.root);
            self.trees.truncate(self.trees.len() - 2);
        }
        let jump = self.last();
        self.trees.push(Tree { events, root: position });
        Links { previous, middle, jump }
    }
}

/// The sizes of the trees that so many events form, newest first.
fn tree_sizes(version: i64) -> impl Iterator<Item = i64> {
    let mut sizes = Vec::new();
    let (mut left, mut size) = (version, largest_tree(version));
    while left > 0 {
        if size <= left {
            sizes.push(size);
            left -= size;
        } else {
            size /= 2;
        }
    }
    sizes.into_iter().rev()
}

/// The events of the tree whose root is the event of a version.
fn tree_of(version: i64) -> i64 {
    let (mut left, mut size) = (version, largest_tree(version));
    loop {
        match size.cmp(&left) {
            Ordering::Greater => size /= 2,
            Ordering::Equal => return size,
            Ordering::Less => left -= size,
        }
    }
}

/// The versions of the events that an event's links lead to, by its own: middle and jump.
pub(super) fn linked_versions(version: i64) -> (i64, i64) {
    let size = tree_of(version);
    let jump = version - size;
    (if size > 1 { jump + size / 2 } else { 0 }, jump)
}

/// The largest 2^k - 1 that is at most `events`.
fn largest_tree(events: i64) -> i64 {
    let mut size = 1;
    while size <= (events - 1) / 2 {
        size = 2 * size + 1;
    }
    size
}

/// The chains of the items that the writer has written to: a cache. Whether one of them is true
/// is told by the version that the item's next event has.
#[derive(Debug, Default)]
pub(super) struct Chains(FxHashMap<ItemId, Chain>);

impl Chains {
    /// The chain of an item whose next event has this version, read if it is not at hand.
    pub fn at<E>(
        &mut self,
        item: ItemId,
        next_version: i64,
        read: impl FnOnce() -> Result<Chain, E>,
    ) -> Result<&mut Chain, E> {
        let chain = self.0.entry(item).or_default();
        if chain.version() + 1 != next_version {
            *chain = read()?;
        }
        Ok(chain)
    }

    /// Forgets everything: what was pushed may have been rolled back.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The links of the events 1, 2, 3 … of an item, at positions ten apart.
    fn links(events: i64) -> Vec<Links> {
        let mut chain = Chain::default();
        (1..=events).map(|n| chain.push(Position(10 * n))).collect()
    }

    #[test]
    fn every_event_names_the_one_before_and_two_further_back() {
        let jumps: Vec<_> = links(16).iter().map(|links| links.jump.0 / 10).collect();
        assert_eq!(jumps, [0, 1, 0, 3, 4, 3, 0, 7, 8, 7, 10, 11, 10, 7, 0, 15]);
        let middles: Vec<_> = links(16).iter().map(|links| links.middle.0 / 10).collect();
        assert_eq!(middles, [0, 0, 1, 0, 0, 4, 3, 0, 0, 8, 0, 0, 11, 10, 7, 0]);
        for (n, links) in (0..).zip(links(100)) {
            assert_eq!(links.previous, Position(10 * n));
            assert!(links.lead_back_from(Position(10 * (n + 1))));
        }
    }

    #[test]
    fn any_event_is_reached_in_steps_that_grow_with_the_logarithm() {
        let links = links(5_000);
        let of = |position: i64| links[usize::try_from(position / 10 - 1).expect("an event")];
        let mut most = 0;
        for target in 1..=5_000 {
            let (mut at, mut steps) = (50_000, 0);
            while at > 10 * target {
                at = of(at).towards(Position(10 * target - 1)).0;
                steps += 1;
            }
            assert_eq!(at, 10 * target);
            most = most.max(steps);
        }
        assert!(most <= 2 * 12, "{most}");
    }

    #[test]
    fn a_chain_is_the_same_whether_it_was_kept_or_read() {
        let mut kept = Chain::default();
        for version in 1..=300 {
            kept.push(Position(7 * version));
            let roots: Vec<_> = kept.trees.iter().rev().map(|tree| tree.root).collect();
            assert_eq!(Chain::with_roots(version, roots), kept, "{version}");
            let links = *links(version).last().expect("an event");
            let linked = (links.middle.0 / 10, links.jump.0 / 10);
            assert_eq!(linked, linked_versions(version), "{version}");
        }
    }
}
