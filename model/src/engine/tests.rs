//! Both engines see the same graph; the network's shortcut hides nothing; what is owed is paid.

mod fair;
mod network;
mod progress;

use stateright::Checker;

use super::*;
use crate::system::{Bounds, REFINES, Scenario, System, Watch, family};

fn system(scenario: Scenario, mutant: Option<&str>) -> System {
    System { scenario, mutant: mutant.and_then(crate::mutants::mutant), watch: Watch::Only(REFINES) }
}

fn named(name: &str) -> Scenario {
    (family(name).expect("named").scenario)(Bounds::Small)
}

#[test]
fn both_engines_find_the_same_number_of_states_and_the_same_depth() {
    let scopes = ["endings", "clients", "notifications", "crash", "restored-feed", "limits"].map(named);
    for scenario in
        scopes.into_iter().chain([crate::system::rotation(Bounds::Small), crate::system::refill(Bounds::Small)])
    {
        let system = system(scenario, None);
        let graph = Graph::of(&system, usize::MAX);
        let checker = system.clone().checker().threads(1).spawn_bfs().join();
        let found = (graph.states().len(), graph.edge_count(), graph.depth());
        // stateright counts a state each time that it is found: once for each step, and once for the beginning.
        let expected = (checker.unique_state_count(), checker.state_count() - 1, checker.max_depth());
        assert!(graph.complete());
        assert_eq!(found, expected, "{}", system.scenario.name);
    }
}

#[test]
fn a_path_leads_where_it_says() {
    let system = system(named("clients"), None);
    let graph = Graph::of(&system, usize::MAX);
    for place in [0, 7, graph.states().len() - 1] {
        let mut world = system.init_states().remove(0);
        for action in graph.path(place) {
            world = system.next_state(&world, action).expect("possible");
        }
        assert_eq!(world, graph.states()[place]);
    }
}

#[test]
fn a_search_that_is_cut_short_is_not_complete() {
    let graph = Graph::of(&system(named("clients"), None), 100);
    assert!(!graph.complete() && graph.states().len() >= 100);
}

#[test]
fn a_graph_can_be_given_to_other_tools() {
    let system = system(crate::system::refill(Bounds::Small), None);
    let graph = Graph::of(&system, usize::MAX);
    let mut text = vec![];
    graph.write_aut(&system, &mut text).expect("written");
    let text = String::from_utf8(text).expect("text");
    assert_eq!(text.lines().count(), graph.edge_count() + 1);
    let first: Vec<_> = text.lines().take(3).collect();
    insta::assert_snapshot!(first.join("\n"), @r#"
    des (0, 4518, 1757)
    (0, "replica 1 loads the log at version 2 for client1's publication of p2", 1)
    (0, "replica 1 loads the log at version 2 for r1's claim c1", 2)
    "#);
}
