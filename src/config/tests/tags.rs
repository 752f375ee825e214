//! `[tags]`: any name, host expressions behind it, refused where they stand.

use super::{load, refusal};
use fleet::HostName;

#[test]
fn a_tag_has_any_name_and_what_stands_behind_it_is_one_expression() {
    let file =
        "[tags]\n\"eu.db-1\" = [\"db-*\", \"!db-9\", \"pg[1,3]\"]\nweb = \"web-[01-18],x\"\n";
    let loaded = load(file, &[]).unwrap();
    let [db, web] = &*loaded.config.tags else {
        panic!("two tags")
    };
    assert_eq!((&*db.name, &*web.name), ("eu.db-1", "web"));
    let covers = |host: &str| db.expression().covers(&HostName::parse(host).unwrap());
    assert!(covers("db-1") && covers("pg3") && !covers("pg2") && !covers("db-9"));
    assert_eq!(web.expression().as_str(), "web-[01-18],x");
    let row = loaded.explain().into_iter().find(|row| row.key == "tags");
    let row = row.unwrap();
    assert_eq!(row.value, "eu.db-1=db-*,!db-9,pg[1,3] web=web-[01-18],x");
    assert!(row.origin.ends_with("scout.toml:2"), "{}", row.origin);
}

#[test]
fn a_tag_that_cannot_be_is_refused_where_it_stands() {
    for (file, says) in [
        (
            "[tags]\ndb = [\"db-*\", \"pg[1-3\"]\n",
            "scout.toml:2: `tags.db` cannot be `db-*,pg[1-3`: `pg[1-3`: the bracket is not closed (at position 2); legal is host names",
        ),
        (
            "[tags]\nall-db = \"@db\"\n",
            "scout.toml:2: `tags.all-db` cannot be `@db`: `@db` asks for a tag; legal is",
        ),
        (
            "[tags]\ndb = []\n",
            "scout.toml:2: `tags.db` cannot be ``: it names no host",
        ),
        (
            "[tags]\ndb = 7\n",
            "scout.toml:2: `tags.db` cannot be `7`: it is a number",
        ),
        (
            "[tags.db]\nhosts = \"x\"\n",
            "scout.toml:1: `tags.db` cannot be `a table`: it is a table",
        ),
        (
            "[tags]\n\"a b\" = \"x\"\n",
            "scout.toml:2: `tags` cannot be `a b`: legal is a name of letters",
        ),
        ("tags = \"db\"\n", "scout.toml:1: `tags` cannot be `db`"),
        (
            "[tag]\ndb = \"x\"\n",
            "scout.toml:2: there is no key `tag.db`; did you mean `tags`?",
        ),
    ] {
        let refusal = refusal(file, &[]);
        assert!(refusal.starts_with(says), "{refusal}");
    }
}
