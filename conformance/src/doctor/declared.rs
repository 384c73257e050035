//! What a binding declares, held against what it can do: nothing is asked for that.

use crate::{
    binding::{Binding, Operation, lint, render::Variables},
    catalogue::Profile,
    doctor::{Finding, Mark},
    material::MaterialKind,
    translation::answers::word,
    vector::Capability,
};

/// Whether each variable has a value.
#[must_use]
pub fn variables(binding: &Binding, given: &Variables) -> Vec<Finding> {
    let of = |(name, variable): (&String, &crate::binding::Variable)| match (given.get(name), &variable.default) {
        (None, _) => {
            let what = format!("{name} has no value: {}", variable.says.trim());
            let mend = format!("--var {name}=…, or KPD_{} in the environment", name.to_uppercase());
            Finding::wrong("variables", &format!("{name} is needed"), what, mend)
        }
        (Some(value), Some(default)) if value.as_str() == Some(default) => {
            Finding::well("variables", &format!("{name} has its default, {default}"))
        }
        (Some(_), _) => Finding::well("variables", &format!("{name} is given")),
    };
    binding.variables.iter().map(of).collect()
}

/// What a server lacks is declared with a reason, and what is declared fits the operations.
#[must_use]
pub fn declarations(binding: &Binding) -> Vec<Finding> {
    let mut findings = profiles(binding);
    findings.extend(capabilities(binding));
    for (capability, why) in &binding.absent {
        findings.push(Finding::new(Mark::Ok, "absent", format!("{}: {}", word(capability), why.trim())));
    }
    let missing: Vec<_> =
        OPERATIONS.iter().filter(|operation| !binding.has(**operation)).map(|it| lint::name(*it)).collect();
    if !missing.is_empty() {
        let says = format!("not bound, so vectors that need it are skipped: {}", missing.join(", "));
        findings.push(Finding::new(Mark::Note, "operations", says));
    }
    findings
}

/// Those that a vector can need.
const OPERATIONS: [Operation; 26] = [
    Operation::Policy,
    Operation::Register,
    Operation::Publish,
    Operation::Replace,
    Operation::Claim,
    Operation::Withdraw,
    Operation::Stock,
    Operation::Packages,
    Operation::Notifications,
    Operation::AwaitNotifications,
    Operation::Acknowledge,
    Operation::Keys,
    Operation::KeyHistory,
    Operation::Resolve,
    Operation::ResolveNobody,
    Operation::AddKey,
    Operation::AddKeyByToken,
    Operation::ExtendKey,
    Operation::RemoveKey,
    Operation::RemoveClient,
    Operation::Verify,
    Operation::VerifyAt,
    Operation::Block,
    Operation::BlockServer,
    Operation::Unblock,
    Operation::Blocks,
];

/// A profile that is offered has its operations.
fn profiles(binding: &Binding) -> Vec<Finding> {
    let needs = [
        (Profile::Core, &[Operation::Register, Operation::Publish, Operation::Claim][..]),
        (Profile::Notify, &[Operation::Notifications]),
        (Profile::As, &[Operation::Keys]),
    ];
    let offered = needs.into_iter().filter(|(profile, _)| binding.profiles.contains(profile));
    let missing = offered.flat_map(|(profile, needs)| needs.iter().map(move |operation| (profile, *operation)));
    let of = |(profile, operation): (Profile, Operation)| {
        let name = lint::name(operation);
        let what = format!("the profile {profile} is offered, and the operation `{name}` is not bound");
        let mend = format!("bind `{name}`, or leave {profile} out of `profiles`");
        Finding::wrong("profiles", &format!("{profile} lacks {name}"), what, mend)
    };
    missing.filter(|(_, operation)| !binding.has(*operation)).map(of).collect()
}

/// What a vector asks for in a request is in the request, or declared absent; and not both.
fn capabilities(binding: &Binding) -> Vec<Finding> {
    let mls = binding.material.kind == MaterialKind::MlsKeyPackage;
    let last_resort = binding.profiles.contains(&Profile::LastResort);
    let carried: [(Capability, Operation, &[&str], bool); 5] = [
        (Capability::Idempotency, Operation::Claim, &["idempotency_key"], true),
        (Capability::RefuseLastResort, Operation::Claim, &["last_resort"], last_resort),
        (Capability::CipherSuites, Operation::Claim, &["cipher_suites", "cipher_suite"], mls),
        (Capability::RequiredCapabilities, Operation::Claim, &["required_capabilities"], mls),
        (Capability::KeyExpiry, Operation::AddKey, &["expires_at", "expires_in"], true),
    ];
    let mut findings = vec![];
    for (capability, operation, names, asked) in carried {
        if binding.adapter.is_some() || !asked || !binding.has(operation) {
            continue;
        }
        let carries = names.iter().any(|name| lint::uses(binding, operation, name));
        let absent = binding.absent.contains_key(&capability);
        let (word, name) = (word(&capability), lint::name(operation));
        let variable = names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" nor ");
        if !carries && !absent {
            let what = format!("`{name}` sends no {variable}, and `absent` does not say that the server lacks {word}");
            let mend = format!("use the variable in `{name}`, or write `absent: {{ {word}: why }}`");
            findings.push(Finding::wrong("absent", &word, what, mend));
        }
        // One suite can be named without there being a choice.
        let makes_use = names.iter().any(|name| *name != "cipher_suite" && lint::uses(binding, operation, name));
        if makes_use && absent {
            findings.push(both(&word, &name));
        }
    }
    let bound = [(Capability::Withdraw, Operation::Withdraw), (Capability::KeyExpiry, Operation::ExtendKey)];
    let both_of_them =
        bound.into_iter().filter(|(it, operation)| binding.absent.contains_key(it) && binding.has(*operation));
    findings.extend(both_of_them.map(|(capability, operation)| both(&word(&capability), &lint::name(operation))));
    findings
}

fn both(word: &str, operation: &str) -> Finding {
    let what = format!("`absent` says that the server lacks {word}, and `{operation}` makes use of it");
    Finding::wrong("absent", word, what, format!("leave out one of the two: vectors that need {word} are skipped now"))
}
