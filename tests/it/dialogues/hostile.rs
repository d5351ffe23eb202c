//! The recorded dialogues as a hostile network delivers them: every request twice, in the wrong order, and all providers at
//! once in one team. What is answered may be a refusal, but never a fault of the server, and the file stays sound.

use super::script::Script;
use super::{files, one_step, read, short, variables};
use crate::server::Server;

/// How a dialogue is delivered.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    /// Each request a second time, as after a lost answer.
    Twice,
    /// From the end to the beginning, with what the earlier round has saved.
    Backwards,
}

/// Plays a dialogue so; answers the faults of the server.
fn deliver(server: &Server, name: &str, script: &Script, token: &str, delivery: Delivery) -> Vec<String> {
    let mut known = variables(server, script, token.to_owned());
    let mut faults = Vec::new();
    let mut send = |number: usize| {
        let step = &script.steps[number];
        if let Err(fault) = one_step(server, script, step, &mut known)
            && (fault.contains("\n  answer: 5") || !fault.contains("\n  answer: "))
            && !fault.contains("no value was saved")
        {
            faults.push(format!("{name}, line {}, {delivery:?}: {fault}", step.line));
        }
    };
    for number in 0..script.steps.len() {
        send(number);
        send(number);
    }
    if let Delivery::Backwards = delivery {
        (0..script.steps.len()).rev().for_each(&mut send);
    }
    faults
}

#[test]
fn no_delivery_of_any_dialogue_is_a_fault_of_the_server() {
    let server = Server::plain();
    let scripts: Vec<(String, Script)> = files().iter().map(|file| (short(file), read(file))).collect();
    // One token for each kind: what one provider does meets what all the others do.
    let tokens = [server.data().token(&[]), server.data().token(&["--strict"])];
    let mut faults = Vec::new();
    std::thread::scope(|scope| {
        let crowd: Vec<_> = [(0, Delivery::Twice), (1, Delivery::Backwards), (2, Delivery::Backwards)]
            .into_iter()
            .map(|(place, delivery)| {
                let (scripts, tokens, server) = (&scripts, &tokens, &server);
                scope.spawn(move || -> Vec<String> {
                    let from = place * scripts.len() / 3;
                    let turned = scripts[from..].iter().chain(&scripts[..from]);
                    turned
                        .flat_map(|(name, script)| {
                            deliver(server, name, script, &tokens[usize::from(script.strict)], delivery)
                        })
                        .collect()
                })
            })
            .collect();
        for one in crowd {
            faults.extend(one.join().expect("a provider does not fail"));
        }
    });
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    server.data().run(&["check"]).well();
}
