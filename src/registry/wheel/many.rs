use super::{bits::Bits, fires};

/// The large form: ticks hashed into slots, each slot a ring of keys, all rings linked through one `Vec`.
///
/// A cascade, where one tick re-sorts a hundred thousand deadlines, is what makes a wheel stall. Here the
/// near level spans more than the longest usual timeout, so most deadlines are sorted once. The few beyond it
/// wait in far slots, each of which can move over as a whole long before its first deadline fires: that is
/// done a few keys at a time.
#[derive(Clone)]
pub(super) struct Many {
    /// No tick below this one holds a key. Ticks from here to `NEAR - 1` further have their own slot.
    cursor: u64,
    len: usize,
    nodes: Vec<Node>,
    near: Slots,
    far: Slots,
}

#[derive(Clone, Copy, Default)]
struct Node {
    at: u64,
    prev: u32,
    next: u32,
    place: Place,
}

/// Where a key is: 0 nowhere, then the near slots, then the far ones.
type Place = u32;

#[derive(Clone)]
struct Slots {
    /// First key of each ring plus one, 0 for none: a slot never used is memory never touched.
    first: Vec<u32>,
    used: Bits,
}

/// 32,768 ticks of 4 ms are 131 s: more than the default resume window of 120 s, for 128 KiB.
const NEAR: usize = 32_768;
/// Ticks in a far slot: 2 s. All of a slot fits the near level 129 s before its first tick: time to move it.
const SPAN: u64 = 512;
/// 4,096 far slots reach 2.3 hours ahead, for 16 KiB. What is further is looked at again when it gets there.
const FAR: usize = 4_096;
/// Keys moved to the near level at one tick: some 10 us of work. In 129 s that is eight million keys.
const MOVES: usize = 256;

impl Many {
    pub(super) fn new(cursor: u64) -> Self {
        Self {
            cursor,
            len: 0,
            nodes: Vec::new(),
            near: Slots::new(NEAR),
            far: Slots::new(FAR),
        }
    }

    pub(super) fn arm(&mut self, key: u32, at: u64) {
        let index = key as usize;
        if index >= self.nodes.len() {
            self.nodes.resize(index + 1, Node::default());
        }
        if self.nodes[index].place == 0 {
            self.len += 1;
        } else {
            self.unlink(key);
        }
        self.nodes[index].at = at;
        self.link(key);
    }

    pub(super) fn disarm(&mut self, key: u32) {
        if self.armed(key).is_some() {
            self.unlink(key);
            self.len -= 1;
        }
    }

    pub(super) fn armed(&self, key: u32) -> Option<u64> {
        let node = self.nodes.get(key as usize)?;
        (node.place != 0).then_some(node.at)
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn next(&self) -> Option<u64> {
        let moves = self
            .far_block()
            .map(|block| ready(block).max(self.cursor + 1));
        match (self.near_tick(), moves) {
            (Some(tick), Some(moves)) => Some(tick.min(moves)),
            (tick, moves) => tick.or(moves),
        }
    }

    pub(super) fn pop_due(&mut self, now: u64) -> Option<u32> {
        loop {
            let near = self.near_tick().filter(|&tick| tick <= now);
            let far = self.far_block().filter(|&block| block * SPAN <= now);
            match (near, far) {
                // Only where nobody called for two minutes: what comes first is not sorted yet.
                (near, Some(block)) if near.is_none_or(|tick| block * SPAN <= tick) => {
                    self.cursor = self.cursor.max(ready(block));
                    self.bring(block, usize::MAX);
                }
                (Some(tick), _) => {
                    self.cursor = tick;
                    let key = self.near.first[near_slot(tick)] - 1;
                    self.unlink(key);
                    self.len -= 1;
                    return Some(key);
                }
                (None, _) => {
                    self.cursor = self.cursor.max(now);
                    if let Some(block) = self.far_block().filter(|&b| ready(b) <= self.cursor) {
                        self.bring(block, MOVES);
                    }
                    return None;
                }
            }
        }
    }

    /// Moves up to `limit` keys of a far slot to where they belong now.
    fn bring(&mut self, block: u64, limit: usize) {
        let slot = far_slot(block);
        for _ in 0..limit {
            let Some(key) = self.far.first[slot].checked_sub(1) else {
                return;
            };
            self.unlink(key);
            self.link(key);
        }
    }

    fn near_tick(&self) -> Option<u64> {
        let distance = self.near.used.distance_from(near_slot(self.cursor))?;
        Some(self.cursor + distance as u64)
    }

    fn far_block(&self) -> Option<u64> {
        let here = self.cursor / SPAN;
        let distance = self.far.used.distance_from(far_slot(here))?;
        Some(here + distance as u64)
    }

    fn link(&mut self, key: u32) {
        let tick = fires(self.nodes[key as usize].at).max(self.cursor);
        let place = if tick - self.cursor < NEAR as u64 {
            near_slot(tick)
        } else {
            let furthest = self.cursor / SPAN + FAR as u64 - 1;
            NEAR + far_slot((tick / SPAN).min(furthest))
        };
        let (slots, slot) = self.slots(place);
        let (prev, next) = match slots.first[slot].checked_sub(1) {
            Some(first) => {
                let last = self.nodes[first as usize].prev;
                self.nodes[first as usize].prev = key;
                self.nodes[last as usize].next = key;
                (last, first)
            }
            None => {
                slots.first[slot] = key + 1;
                slots.used.set(slot);
                (key, key)
            }
        };
        let node = &mut self.nodes[key as usize];
        (node.prev, node.next, node.place) = (prev, next, place as Place + 1);
    }

    fn unlink(&mut self, key: u32) {
        let Node {
            prev, next, place, ..
        } = self.nodes[key as usize];
        self.nodes[prev as usize].next = next;
        self.nodes[next as usize].prev = prev;
        self.nodes[key as usize].place = 0;
        let (slots, slot) = self.slots(place as usize - 1);
        if next == key {
            slots.first[slot] = 0;
            slots.used.clear(slot);
        } else if slots.first[slot] == key + 1 {
            slots.first[slot] = next + 1;
        }
    }

    fn slots(&mut self, place: usize) -> (&mut Slots, usize) {
        match place.checked_sub(NEAR) {
            None => (&mut self.near, place),
            Some(slot) => (&mut self.far, slot),
        }
    }
}

impl Slots {
    fn new(len: usize) -> Self {
        Self {
            first: vec![0; len],
            used: Bits::new(len),
        }
    }
}

/// The first tick at which every tick of a far block fits the near level.
const fn ready(block: u64) -> u64 {
    ((block + 1) * SPAN).saturating_sub(NEAR as u64)
}

const fn near_slot(tick: u64) -> usize {
    (tick % NEAR as u64) as usize
}

const fn far_slot(block: u64) -> usize {
    (block % FAR as u64) as usize
}
