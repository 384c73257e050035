//! Serves stateright's Explorer: `cargo run --release -p kpd-model --example explore [SCENARIO [MUTANT]]`.

use std::{env, error::Error};

use kpd_model::{
    check::explore_system,
    mutants::mutant,
    system::{Bounds, System, scenarios},
};

const ADDRESS: &str = "localhost:3000";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "race".into());
    let scenario = scenarios(Bounds::Small).into_iter().find(|scenario| scenario.name == name);
    let mut system = System::new(scenario.ok_or_else(|| format!("no scenario named {name:?}"))?);
    if let Some(name) = arguments.next() {
        system.mutant = Some(mutant(&name).ok_or_else(|| format!("no mutant named {name:?}"))?);
    }
    println!("{}, at http://{ADDRESS}", system.scenario.says);
    explore_system(system, ADDRESS)?;
    Ok(())
}
