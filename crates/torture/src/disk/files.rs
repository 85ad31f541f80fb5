//! The files of a disk as a program sees them: folders of names, files of bytes.

use super::Image;
use std::collections::{BTreeMap, HashMap, HashSet};

pub const ROOT: u64 = 1;

/// How the name of a file ends that is memory which processes share.
pub const SHARED_MEMORY: &str = "-shm";

/// A folder or a file.
#[derive(Clone, Debug)]
pub enum Node {
    Folder(BTreeMap<String, u64>),
    File(Vec<u8>),
}

/// All of them, by number.
#[derive(Clone, Debug)]
pub struct Files {
    pub nodes: HashMap<u64, Node>,
    /// Permissions and owners, which are kept and mean nothing here.
    pub modes: HashMap<u64, (u16, u32, u32)>,
    /// Those that are memory which processes share: SQLite's `-shm`.
    shared_memory: HashSet<u64>,
    next: u64,
}

impl Default for Files {
    fn default() -> Self {
        let nodes = HashMap::from([(ROOT, Node::Folder(BTreeMap::new()))]);
        Self { nodes, modes: HashMap::new(), shared_memory: HashSet::new(), next: ROOT + 1 }
    }
}

impl Files {
    pub fn folder(&self, number: u64) -> Option<&BTreeMap<String, u64>> {
        match self.nodes.get(&number) {
            Some(Node::Folder(names)) => Some(names),
            _ => None,
        }
    }

    pub fn folder_mut(&mut self, number: u64) -> Option<&mut BTreeMap<String, u64>> {
        match self.nodes.get_mut(&number) {
            Some(Node::Folder(names)) => Some(names),
            _ => None,
        }
    }

    pub fn file(&self, number: u64) -> Option<&Vec<u8>> {
        match self.nodes.get(&number) {
            Some(Node::File(data)) => Some(data),
            _ => None,
        }
    }

    pub fn file_mut(&mut self, number: u64) -> Option<&mut Vec<u8>> {
        match self.nodes.get_mut(&number) {
            Some(Node::File(data)) => Some(data),
            _ => None,
        }
    }

    pub fn find(&self, folder: u64, name: &str) -> Option<u64> {
        self.folder(folder)?.get(name).copied()
    }

    /// Makes a node in a folder.
    pub fn make(&mut self, folder: u64, name: &str, node: Node) -> u64 {
        let number = self.next;
        self.next += 1;
        self.nodes.insert(number, node);
        if name.ends_with(SHARED_MEMORY) {
            self.shared_memory.insert(number);
        }
        if let Some(names) = self.folder_mut(folder) {
            names.insert(name.to_owned(), number);
        }
        number
    }

    /// Whether a file is memory that processes share. It stays that when its name is gone.
    pub fn is_shared_memory(&self, number: u64) -> bool {
        self.shared_memory.contains(&number)
    }

    /// Puts a file at a path.
    pub fn put(&mut self, path: &str, data: &[u8]) {
        let mut folder = ROOT;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            folder = match self.find(folder, part) {
                Some(found) => found,
                None => self.make(folder, part, Node::Folder(BTreeMap::new())),
            };
        }
        self.make(folder, name, Node::File(data.to_vec()));
    }

    pub fn used(&self) -> u64 {
        let bytes = |node: &Node| match node {
            Node::File(data) => data.len() as u64,
            Node::Folder(_) => 0,
        };
        self.nodes.values().map(bytes).sum()
    }

    /// Every file that has a name, by its path.
    pub fn contents(&self) -> Image {
        let mut image = Image::new();
        self.collect(ROOT, "", &mut image);
        image
    }

    fn collect(&self, folder: u64, path: &str, image: &mut Image) {
        for (name, number) in self.folder(folder).into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            match self.nodes.get(number) {
                Some(Node::File(data)) => {
                    image.insert(path, data.clone());
                }
                Some(Node::Folder(_)) => self.collect(*number, &path, image),
                None => {}
            }
        }
    }
}

/// Writes into bytes, which grow with zeros if need be.
pub fn write_at(data: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if data.len() < end {
        data.resize(end, 0);
    }
    data[at..end].copy_from_slice(bytes);
}
