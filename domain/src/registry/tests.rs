//! x
#[test]
fn print() {
    for e in super::entities() {
        for c in (e.commands)() {
            if c.name == "create" || c.name == "set-business-hours" {
                println!("{} {}", e.name, serde_json::to_string_pretty(&c.schema).unwrap());
            }
        }
        for c in (e.events)() {
            if c.name == "store.registered.v1" {
                println!("{} {}", e.name, serde_json::to_string_pretty(&c.schema).unwrap());
            }
        }
    }
}
