//! A stub of the Docker Engine on a Unix socket: enough of its API (v1.45, `docs/api` of moby) for the
//! real docker command line, and compose, to list containers and to show logs. It remembers what it was
//! asked, so that a test can tell that nothing but looking was done.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// One container of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: &'static str,
    pub(crate) image: &'static str,
    /// `running` or `exited`.
    pub(crate) state: &'static str,
    pub(crate) status: &'static str,
    /// The project and the service, for a container of compose.
    pub(crate) project: Option<(&'static str, &'static str)>,
    /// The files compose made the project from.
    pub(crate) files: String,
    /// What it wrote: the stream (1 or 2) and the line, without its timestamp.
    pub(crate) lines: Vec<(u8, String)>,
}

/// The running stub. Dropping it closes the socket.
#[derive(Debug)]
pub(crate) struct Engine {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Engine {
    /// An engine with these containers, on a socket in `dir` that every account may use.
    pub(crate) fn start(dir: &Path, containers: Vec<Container>) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let socket = dir.join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, containers) = (Arc::clone(&asked), Arc::new(containers));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, containers) = (Arc::clone(&seen), Arc::clone(&containers));
                tokio::spawn(async move {
                    // A client that went away needs no answer.
                    let _ended = serve(stream, &containers, &seen).await;
                });
            }
        });
        Self {
            socket,
            asked,
            task,
        }
    }

    /// The variable by which docker finds it.
    pub(crate) fn env(&self) -> String {
        format!("DOCKER_HOST=unix://{}", self.socket.display())
    }

    /// The requests so far: method and path, without the version of the API.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: UnixStream,
    containers: &[Container],
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let target = unversioned(target);
    asked.lock().unwrap().push(format!("{method} {target}"));
    let (status, kind, body) = answer(containers, &decoded(target));
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nApi-Version: 1.45\r\nOstype: linux\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    if method != "HEAD" {
        stream.write_all(&body).await?;
    }
    stream.shutdown().await
}

fn answer(containers: &[Container], target: &str) -> (&'static str, &'static str, Vec<u8>) {
    const JSON: &str = "application/json";
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let found = |name: &str| {
        let named = |container: &&Container| container.name == name || id(container) == name;
        containers.iter().find(named)
    };
    match *segments {
        ["_ping"] => ("200 OK", "text/plain", b"OK".to_vec()),
        ["version"] => {
            let version = json!({"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"});
            ("200 OK", JSON, version.to_string().into())
        }
        ["info"] => (
            "200 OK",
            JSON,
            json!({"ServerVersion": "26.1.5"}).to_string().into(),
        ),
        ["containers", "json"] => {
            let project = query.split("com.docker.compose.project=").nth(1);
            let project = project.and_then(|rest| rest.split('"').next());
            let of_compose = query.contains("com.docker.compose.project");
            let wanted = containers
                .iter()
                .filter(|container| match container.project {
                    Some((name, _)) => project.is_none_or(|project| project == name),
                    None => !of_compose,
                });
            let list: Vec<_> = wanted.map(summary).collect();
            ("200 OK", JSON, json!(list).to_string().into())
        }
        ["containers", name, what @ ("json" | "logs")] => match found(name) {
            Some(container) if what == "json" => {
                ("200 OK", JSON, inspected(container).to_string().into())
            }
            Some(container) => (
                "200 OK",
                "application/vnd.docker.multiplexed-stream",
                logs(container, query),
            ),
            None => {
                let message = format!("No such container: {name}");
                (
                    "404 Not Found",
                    JSON,
                    json!({"message": message}).to_string().into(),
                )
            }
        },
        _ => {
            let message = format!("page not found: {target}");
            (
                "404 Not Found",
                JSON,
                json!({"message": message}).to_string().into(),
            )
        }
    }
}

fn id(container: &Container) -> String {
    let hex: String = container
        .name
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{hex:0<64}")
}

fn labels(container: &Container) -> Value {
    match container.project {
        None => json!({}),
        Some((project, service)) => json!({
            "com.docker.compose.project": project,
            "com.docker.compose.service": service,
            "com.docker.compose.container-number": "1",
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.project.config_files": container.files,
        }),
    }
}

fn summary(container: &Container) -> Value {
    json!({
        "Id": id(container),
        "Names": [format!("/{}", container.name)],
        "Image": container.image,
        "ImageID": "sha256:0",
        "Command": "run",
        "Created": 1_700_000_000,
        "Ports": [],
        "Labels": labels(container),
        "State": container.state,
        "Status": container.status,
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
    })
}

fn inspected(container: &Container) -> Value {
    json!({
        "Id": id(container),
        "Name": format!("/{}", container.name),
        "Image": "sha256:0",
        "State": {"Status": container.state, "Running": container.state == "running"},
        "Config": {"Tty": false, "Image": container.image, "Labels": labels(container)},
        "HostConfig": {"LogConfig": {"Type": "json-file"}},
        "NetworkSettings": {"Networks": {}},
    })
}

/// The last lines in frames: the stream, three zeros, the length in big endian, the line (Engine API,
/// "Attach to a container", stream format).
fn logs(container: &Container, query: &str) -> Vec<u8> {
    let parameter = |name: &str| {
        let mut all = query.split('&').filter_map(|pair| pair.split_once('='));
        all.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let tail = parameter("tail").and_then(|tail| tail.parse().ok());
    let from = container
        .lines
        .len()
        .saturating_sub(tail.unwrap_or(usize::MAX));
    let mut body = Vec::new();
    for (at, (stream, line)) in container.lines.iter().enumerate().skip(from) {
        let time = match parameter("timestamps") {
            Some("1" | "true") => format!("2026-11-25T10:00:{:02}.000000000Z ", at % 60),
            _ => String::new(),
        };
        let line = format!("{time}{line}\n");
        body.extend([*stream, 0, 0, 0]);
        body.extend(u32::try_from(line.len()).unwrap().to_be_bytes());
        body.extend(line.bytes());
    }
    body
}

/// `/v1.45/containers/json` without its first segment.
fn unversioned(target: &str) -> &str {
    match target.strip_prefix("/v1.") {
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None => target,
    }
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        plain.push(u8::from_str_radix(digits, 16).unwrap());
        plain.extend(rest.bytes());
    }
    String::from_utf8(plain).unwrap()
}
