//! The vectors, rules and bindings: those inside the binary, or those of a directory.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use include_dir::{Dir, include_dir};

use crate::{
    binding::Binding,
    catalogue::Catalogue,
    vector::{Vector, lint},
    yaml::{self, FileError},
};

static VECTORS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../vectors");
static REFERENCE: &str = include_str!("../bindings/reference.yaml");

/// All vectors with the rules that they name.
#[derive(Clone, Debug)]
pub struct Library {
    /// The rules.
    pub catalogue: Catalogue,
    /// Ordered by id.
    pub vectors: Vec<Arc<Vector>>,
    /// The text of each vector's file, by id.
    pub texts: BTreeMap<String, String>,
    /// The text of the file of proofs; empty where there is none.
    pub proofs: String,
}

/// Why files could not be used; nothing was sent to any server.
#[derive(Debug, miette::Diagnostic, thiserror::Error)]
pub enum LibraryError {
    /// The files are not as they should be.
    #[error("{} in the vectors, rules or bindings", count(.0.len()))]
    Files(#[related] Vec<FileError>),
    /// A file cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    #[expect(missing_docs, reason = "the message names both")]
    Unreadable { path: PathBuf, why: std::io::Error },
}

impl From<Box<FileError>> for LibraryError {
    fn from(error: Box<FileError>) -> Self {
        Self::Files(vec![*error])
    }
}

impl Library {
    /// The library inside the binary.
    ///
    /// # Errors
    ///
    /// If it was built from files with mistakes.
    pub fn embedded() -> Result<Self, LibraryError> {
        Self::of(embedded_files())
    }

    /// The library of a directory such as `vectors/`; where it has no `rules.yaml`, with the rules inside the binary.
    ///
    /// # Errors
    ///
    /// Every mistake in its files.
    pub fn of_directory(path: &Path) -> Result<Self, LibraryError> {
        let mut files = vec![];
        collect(path, path, &mut files)?;
        if !files.iter().any(|(name, _)| name == RULES) {
            let rules = VECTORS.get_file(RULES).and_then(|file| file.contents_utf8()).unwrap_or_default();
            files.push((RULES.into(), rules.into()));
        }
        Self::of(files)
    }

    fn of(mut files: Vec<(String, String)>) -> Result<Self, LibraryError> {
        files.sort();
        let rules = files.iter().find(|(name, _)| name == RULES).map(|(_, text)| text.as_str()).unwrap_or_default();
        let catalogue = Catalogue::read(RULES, rules)?;
        let proofs = files.iter().find(|(name, _)| name == PROOFS).map(|(_, text)| text.clone()).unwrap_or_default();
        let (mut vectors, mut texts) = (vec![], BTreeMap::new());
        let mut errors = vec![];
        for (name, text) in files.iter().filter(|(name, _)| name != RULES && name != PROOFS) {
            match yaml::read::<Vector>(name, text) {
                Ok(vector) => {
                    errors.extend(lint::lint(name, text, &vector, &catalogue));
                    texts.insert(vector.id.clone(), text.clone());
                    vectors.push(Arc::new(vector));
                }
                Err(error) => errors.push(*error),
            }
        }
        vectors.sort_by(|one: &Arc<Vector>, other| one.id.cmp(&other.id));
        if errors.is_empty() {
            Ok(Self { catalogue, vectors, texts, proofs })
        } else {
            Err(LibraryError::Files(errors))
        }
    }

    /// The vectors whose id contains one of `filters`, or that name such a rule; all without filters.
    #[must_use]
    pub fn select(&self, filters: &[String]) -> Vec<Arc<Vector>> {
        let wanted = |vector: &&Arc<Vector>| {
            filters.is_empty()
                || filters.iter().any(|filter| vector.id.contains(filter) || vector.rules.contains(filter))
        };
        self.vectors.iter().filter(wanted).cloned().collect()
    }
}

/// The binding of the reference server.
///
/// # Errors
///
/// If it was built from a file with mistakes.
pub fn reference_binding() -> Result<Binding, LibraryError> {
    Binding::read("conformance/bindings/reference.yaml", REFERENCE).map_err(LibraryError::Files)
}

/// A binding from a file.
///
/// # Errors
///
/// Every mistake in it.
pub fn binding(path: &Path) -> Result<Binding, LibraryError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|why| LibraryError::Unreadable { path: path.into(), why })?;
    let binding = Binding::read(&path.display().to_string(), &text).map_err(LibraryError::Files)?;
    let directory = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    // Commands begin there, wherever the suite was started.
    let directory = directory.map(|directory| std::path::absolute(directory).unwrap_or_else(|_| directory.into()));
    Ok(Binding { directory, ..binding })
}

const RULES: &str = "rules.yaml";

/// What `kpd prove --write` leaves beside the vectors.
pub const PROOFS: &str = "proofs.yaml";

/// The files of `vectors/` inside the binary, by their names from there.
#[must_use]
pub fn embedded_files() -> Vec<(String, String)> {
    let mut files = vec![];
    collect_embedded(&VECTORS, &mut files);
    files
}

fn collect_embedded(directory: &Dir<'_>, files: &mut Vec<(String, String)>) {
    for file in directory.files().filter(|file| file.path().extension().is_some_and(|ending| ending == "yaml")) {
        let text = file.contents_utf8().unwrap_or_default();
        files.push((file.path().display().to_string(), text.into()));
    }
    directory.dirs().for_each(|directory| collect_embedded(directory, files));
}

fn collect(root: &Path, path: &Path, files: &mut Vec<(String, String)>) -> Result<(), LibraryError> {
    let unreadable = |why| LibraryError::Unreadable { path: path.into(), why };
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|why| LibraryError::Unreadable { path: path.clone(), why })?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            files.push((name, text));
        }
    }
    Ok(())
}

/// So many vectors, in words.
pub(crate) fn count_of_vectors(vectors: usize) -> String {
    if vectors == 1 { "1 vector".into() } else { format!("{vectors} vectors") }
}

fn count(errors: usize) -> String {
    if errors == 1 { "a mistake".into() } else { format!("{errors} mistakes") }
}
