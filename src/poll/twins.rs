//! Names that lead to one channel: the first to show it is asked for all of them. Pure.

use std::collections::HashMap;

use crate::model::{ChannelId, ChannelName};

#[derive(Debug, Default)]
pub struct Twins {
    /// The name that each channel is polled under.
    polled: HashMap<ChannelId, ChannelName>,
    /// The other names, with the channel that they showed.
    others: HashMap<ChannelName, ChannelId>,
}

impl Twins {
    /// `name` showed the channel `id`. The name under which it is polled, if that is another one.
    pub fn shown(&mut self, name: &ChannelName, id: ChannelId) -> Option<&ChannelName> {
        let polled = self.polled.entry(id).or_insert_with(|| name.clone());
        if polled == name {
            return None;
        }
        self.others.insert(name.clone(), id);
        Some(polled)
    }

    /// The other names of the channel that is polled under `name`.
    pub fn of<'t>(&'t self, name: &'t ChannelName) -> impl Iterator<Item = &'t ChannelName> {
        self.others.iter().filter(move |(_, id)| self.polled.get(id) == Some(name)).map(|(other, _)| other)
    }

    /// `name` leads nowhere any more, or is not asked for: the others stand for themselves again.
    pub fn release(&mut self, name: &ChannelName) -> Vec<ChannelName> {
        self.others.remove(name);
        let released: Vec<_> = self.of(name).cloned().collect();
        released.iter().for_each(|other| _ = self.others.remove(other));
        self.polled.retain(|_, polled| polled != name);
        released
    }
}
