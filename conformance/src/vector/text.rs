//! Where a step stands in the text of its vector.

/// The line of `steps[2]` or `race.lanes.c1[0]` in a vector's file, from 1.
pub(crate) fn line_of(text: &str, path: &str) -> Option<usize> {
    let (list, index) = path.split_once('[')?;
    let index: usize = index.trim_end_matches(']').parse().ok()?;
    let name = list.rsplit('.').next()?;
    let lines: Vec<&str> = text.lines().collect();
    let key = format!("{name}:");
    let at = lines.iter().position(|line| line.trim_start().starts_with(&key))?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = lines[at + 1..].iter().find(|line| !line.trim().is_empty())?;
    if !first.trim_start().starts_with("- ") {
        // The list is on the line of its name.
        return Some(at + 1);
    }
    let items = (at + 1..lines.len())
        .take_while(|line| lines[*line].trim().is_empty() || indent(lines[*line]) >= indent(first))
        .filter(|line| indent(lines[*line]) == indent(first) && lines[*line].trim_start().starts_with("- "));
    items.map(|line| line + 1).nth(index)
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn steps_are_found_in_their_files() {
        let text = "id: x\nsteps:\n  - a: {}\n    expect: {}\n\n  - b:\n      - c\nrace:\n  lanes:\n    c1: [ { d: {} } ]\n    c2:\n      - e: {}\n      - f: {}\n";
        let line = |path| line_of(text, path);
        assert_eq!((line("steps[0]"), line("steps[1]"), line("steps[2]")), (Some(3), Some(6), None));
        assert_eq!((line("race.lanes.c1[0]"), line("race.lanes.c2[1]")), (Some(10), Some(13)));
        assert_eq!((line("race"), line("after[0]")), (None, None));
    }
}
