//! The inventory as a whole, from files on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::*;
use tempfile::TempDir;

struct Home {
    dir: TempDir,
}

impl Home {
    fn new(config: &str) -> Self {
        let home = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        home.write(".ssh/config", config);
        home
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn local(&self) -> Local {
        Local {
            user: "ann".into(),
            home: self.dir.path().to_owned(),
            hostname: "desk.example.com".into(),
            variable: |name| (name == "AGENT").then(|| "/run/agent".to_owned()),
            ..Local::detect().unwrap()
        }
    }

    fn load(&self) -> Result<Inventory, InventoryError> {
        Inventory::load(&Sources::standard(self.local()))
    }
}

fn host(name: &str) -> HostName {
    HostName::parse(name).unwrap()
}

fn settings<'a>(inventory: &'a Inventory, name: &str) -> &'a HostSettings {
    inventory.find(&host(name)).unwrap().settings().unwrap()
}

fn problem<'a>(inventory: &'a Inventory, name: &str) -> &'a Problem {
    inventory.find(&host(name)).unwrap().settings().unwrap_err()
}

#[test]
fn a_host_without_directives_gets_the_defaults_of_ssh() {
    let home = Home::new("Host web\n");
    let inventory = home.load().unwrap();
    let web = settings(&inventory, "web");
    let ssh = |name: &str| home.path(".ssh").join(name);
    assert_eq!(
        (web.hostname.as_str(), web.port, web.user.as_str()),
        ("web", 22, "ann")
    );
    assert_eq!(web.identity_files[0], ssh("id_rsa"));
    assert!(web.default_identities && !web.identities_only);
    assert_eq!(
        web.user_known_hosts,
        [ssh("known_hosts"), ssh("known_hosts2")]
    );
    assert_eq!(web.known_hosts().len(), 4);
    assert_eq!(web.agent, Agent::Environment);
    assert_eq!(web.host_key_checking, HostKeyChecking::Ask);
    assert_eq!((web.connect_timeout, &web.jump), (None, &None));
    assert_eq!(web.known_as(), ("web", 22));
}

#[test]
fn hosts_are_the_plain_names_of_all_files_in_order() {
    let home = Home::new("Include more\nHost web db web\nHost *.x !no ?\nHost bad,name -x\n");
    home.write(".ssh/more", "Host inner\n");
    let inventory = home.load().unwrap();
    let names: Vec<_> = inventory
        .iter()
        .map(|entry| entry.name().as_str())
        .collect();
    assert_eq!(names, ["db", "inner", "web"]);
    assert_eq!(inventory.len(), 3);
    let skipped: Vec<_> = inventory
        .skipped()
        .iter()
        .map(|s| s.alias.as_str())
        .collect();
    assert_eq!(skipped, ["-x", "bad,name"]);
    assert!(inventory.find(&host("no")).is_none());
}

#[test]
fn a_name_whose_block_can_never_apply_is_no_host() {
    let home = Home::new("Host web !web\nHost outer\n  Include more\nHost w*\n  Include more\n");
    home.write(".ssh/more", "Host inner w1\n");
    let inventory = home.load().unwrap();
    let names: Vec<_> = inventory
        .iter()
        .map(|entry| entry.name().as_str())
        .collect();
    assert_eq!(names, ["outer", "w1"]);
}

#[test]
fn a_tag_is_given_besides_those_of_the_files_and_hides_no_stranger() {
    let home = Home::new("Host db1 db2 web\nHost db1\n  Tag db,old\nHost web\n  ProxyCommand x\n");
    let tag = |name, hosts| (name, Expression::parse(hosts).unwrap());
    let inventory = home.load().unwrap().tagged([
        tag("db", "db[1-9],!db2"),
        tag("eu", "w*,db1"),
        tag("none", "nothing"),
    ]);
    let tags = |name: &str| inventory.find(&host(name)).unwrap().tags().join(" ");
    assert_eq!(tags("db1"), "db old eu");
    assert_eq!((tags("db2"), tags("web")), (String::new(), "eu".into()));
}

#[test]
fn a_missing_default_file_is_empty_and_a_missing_named_one_an_error() {
    let home = Home::new("");
    fs::remove_file(home.path(".ssh/config")).unwrap();
    assert!(home.load().unwrap().is_empty());
    let missing = home.path("no-such-file");
    let error = Inventory::load(&Sources::named(&missing, home.local())).unwrap_err();
    assert!(matches!(&error, InventoryError::Read { path, .. } if *path == missing));
    assert!(error.to_string().contains("no-such-file"));
    let only_patterns = Home::new("Host *\n  User x\n");
    assert!(only_patterns.load().unwrap().is_empty());
}

#[test]
fn the_default_file_must_not_be_open_to_others_and_a_named_one_may() {
    let home = Home::new("Host web\n");
    let config = home.path(".ssh/config");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o664)).unwrap();
    assert!(matches!(
        home.load(),
        Err(InventoryError::Permissions { .. })
    ));
    assert!(Inventory::load(&Sources::named(&config, home.local())).is_ok());
    let home = Home::new("Include more\n");
    home.write(".ssh/more", "Host web\n");
    fs::set_permissions(home.path(".ssh/more"), fs::Permissions::from_mode(0o646)).unwrap();
    let named = Sources::named(home.path(".ssh/config"), home.local());
    assert!(matches!(
        Inventory::load(&named),
        Err(InventoryError::Permissions { .. })
    ));
}

#[test]
fn the_machines_file_comes_second_and_includes_from_its_own_directory() {
    let home = Home::new("Host web\n  User mine\n");
    home.write(
        "etc/ssh_config",
        "Include extra\nHost *\n  User everyone\n  Port 2022\n",
    );
    home.write("etc/extra", "Host db\n  HostName db.example.com\n");
    let sources = Sources::standard(home.local()).with_system(home.path("etc/ssh_config"));
    let inventory = Inventory::load(&sources).unwrap();
    let web = settings(&inventory, "web");
    assert_eq!((web.user.as_str(), web.port), ("mine", 2022));
    assert_eq!(settings(&inventory, "db").hostname, "db.example.com");
    home.write("etc/ssh_config", "Include ~/x\n");
    assert!(matches!(
        Inventory::load(&sources),
        Err(InventoryError::Lines(_))
    ));
}

#[test]
fn every_bad_line_of_every_file_is_named() {
    let home = Home::new("Host web\n  Port 0\n  Usr x\nMatch all\nInclude more\n  User\n");
    home.write(".ssh/more", "Port x\n\nInclude %h\n");
    let error = home.load().unwrap_err();
    let InventoryError::Lines(lines) = &error else {
        panic!("{error}");
    };
    let places: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.at.file.file_name().unwrap().to_str().unwrap(),
                line.at.line,
            )
        })
        .collect();
    let expected = [
        ("config", 2),
        ("config", 3),
        ("config", 4),
        ("more", 1),
        ("more", 3),
        ("config", 6),
    ];
    assert_eq!(places, expected);
    assert!(error.to_string().ends_with("(and 5 more)"), "{error}");
}

#[test]
fn a_jump_host_is_resolved_through_the_same_files() {
    let home = Home::new(
        "Host web\n  ProxyJump bob@gate:2022\nHost gate\n  HostName gate.example.com\n  \
         User config\n  Port 1\n  IdentityFile ~/gate-%r-%p\n",
    );
    let inventory = home.load().unwrap();
    let gate = &settings(&inventory, "web").jump.as_ref().unwrap().settings;
    assert_eq!(
        (gate.hostname.as_str(), gate.port),
        ("gate.example.com", 2022)
    );
    assert_eq!(gate.user, "bob");
    assert_eq!(gate.identity_files, [home.path("gate-bob-2022")]);
    assert_eq!(settings(&inventory, "gate").user, "config");
}

#[test]
fn what_cannot_be_used_stays_listed_with_its_reason() {
    let home = Home::new(
        "Host a\n  ProxyCommand nc %h %p\n  Tag db,eu\nHost b\n  ProxyJump c,d\n\
         Host c\n  ProxyJump a\nHost d\n  ProxyJump d\nHost e\n  ProxyJump c\n\
         Host f\n  ProxyJump -j\nHost g\n  RevokedHostKeys /r\nHost h\n  RefuseConnection gone\n\
         Host i\n  HostName %p\nHost j\n  User %r\nHost k\n  ProxyJump none\n  ProxyCommand nc\n",
    );
    let inventory = home.load().unwrap();
    assert!(matches!(
        problem(&inventory, "a"),
        Problem::ProxyCommand { .. }
    ));
    assert!(matches!(
        problem(&inventory, "b"),
        Problem::Hops { hops: 2, .. }
    ));
    assert!(matches!(problem(&inventory, "c"), Problem::Jump { .. }));
    assert!(matches!(problem(&inventory, "d"), Problem::JumpLoop { .. }));
    assert!(matches!(
        problem(&inventory, "e"),
        Problem::SecondHop { .. }
    ));
    assert!(matches!(problem(&inventory, "f"), Problem::JumpName { .. }));
    assert!(matches!(
        problem(&inventory, "g"),
        Problem::Unsupported { .. }
    ));
    assert!(
        matches!(problem(&inventory, "h"), Problem::Refused { reason, .. } if reason == "gone")
    );
    assert!(matches!(
        problem(&inventory, "i"),
        Problem::Expansion { .. }
    ));
    assert!(matches!(
        problem(&inventory, "j"),
        Problem::Expansion { .. }
    ));
    assert!(matches!(
        problem(&inventory, "k"),
        Problem::ProxyCommand { .. }
    ));
    assert_eq!(inventory.find(&host("a")).unwrap().tags(), ["db", "eu"]);
    assert_eq!(inventory.len(), 11);
}

#[test]
fn more_files_than_ssh_takes_make_a_host_unusable() {
    let keys: String = (0..101)
        .map(|n| format!("  IdentityFile /k{n}\n"))
        .collect();
    let home = Home::new(&format!("Host web\n{keys}Host db\n"));
    let inventory = home.load().unwrap();
    assert!(matches!(
        problem(&inventory, "web"),
        Problem::TooMany { limit: 100, .. }
    ));
    assert!(inventory.find(&host("db")).unwrap().settings().is_ok());
}

#[test]
fn agents_aliases_and_remarks_are_read() {
    let home = Home::new(
        "Host a\n  IdentityAgent $AGENT\n  HostKeyAlias Cluster\n  Port 2022\n\
         Host b\n  IdentityAgent $UNSET\n  KnownHostsCommand keys %H\n\
         Host c\n  LocalCommand id\n  ConnectTimeout 0\nHost *\n  PermitLocalCommand yes\n",
    );
    let inventory = home.load().unwrap();
    let a = settings(&inventory, "a");
    assert_eq!(a.agent, Agent::Socket("/run/agent".into()));
    assert_eq!(a.known_as(), ("cluster", 22));
    assert_eq!(settings(&inventory, "b").agent, Agent::None);
    assert_eq!(settings(&inventory, "c").connect_timeout, None);
    let remarks = |name| inventory.find(&host(name)).unwrap().remarks().len();
    assert_eq!((remarks("a"), remarks("b"), remarks("c")), (0, 1, 1));
}

#[test]
fn a_restricted_inventory_has_forgotten_the_other_hosts() {
    let home = Home::new("Host web-1 web-2 db-1 gate\n");
    let inventory = home.load().unwrap();
    let names = |allow: &[&str], block: &[&str]| -> Vec<String> {
        let list = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let kept = inventory.clone().restrict(&list(allow), &list(block));
        kept.iter().map(|entry| entry.name().to_string()).collect()
    };
    assert_eq!(names(&[], &[]).len(), 4);
    assert_eq!(names(&["web-*"], &[]), ["web-1", "web-2"]);
    assert_eq!(names(&["web-?", "gate"], &["*-2"]), ["gate", "web-1"]);
    assert_eq!(names(&["web-1"], &["web-1"]), Vec::<String>::new());
    assert_eq!(names(&[], &["*"]), Vec::<String>::new());
}

#[test]
fn a_thousand_hosts_load_without_quadratic_work() {
    let mut config = String::new();
    for n in 0..1000 {
        config += &format!(
            "Host web-{n:04}\n  HostName 10.0.{}.{}\n  User deploy\n  Port 2222\n  \
             IdentityFile ~/.ssh/id_web\n",
            n / 250,
            n % 250
        );
    }
    config += "Host *\n  ConnectTimeout 5\n";
    let home = Home::new(&config);
    // The best of several: a busy machine must not fail this, quadratic work (a second here) must.
    let fastest = (0..5).map(|_| {
        let start = Instant::now();
        let inventory = home.load().unwrap();
        assert_eq!(inventory.len(), 1000);
        let last = settings(&inventory, "web-0999");
        assert_eq!(last.connect_timeout, Some(Duration::from_secs(5)));
        start.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_millis(250), "{fastest:?}");
}
