//! The whole graph as text, for tools that read labelled transition systems.

use std::{fmt::Debug, hash::Hash, io};

use stateright::Model;

use crate::engine::Graph;

impl<M> Graph<M>
where
    M: Model,
    M::State: Clone + Eq + Hash,
    M::Action: Clone + Debug,
{
    /// Writes the graph in the Aldebaran format (`.aut`), which mCRL2 and CADP read: a line for each step, from state
    /// to state, with the step in words. State 0 is the first.
    ///
    /// # Errors
    ///
    /// Whatever the writer says.
    pub fn write_aut(&self, model: &M, to: &mut impl io::Write) -> io::Result<()> {
        writeln!(to, "des (0, {}, {})", self.edge_count(), self.states().len())?;
        for from in 0..self.states().len() {
            for edge in self.edges(from) {
                let label = model.format_action(&edge.action).replace('"', "'");
                writeln!(to, "({from}, \"{label}\", {})", edge.to)?;
            }
        }
        Ok(())
    }
}
