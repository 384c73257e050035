//! What others say, on one line: nothing in it steers a terminal or a CI, and what is long is cut.

/// On one line; of a longer text the rest is only counted.
pub(super) fn short(text: &str, shown: usize) -> String {
    let line: String =
        text.trim_end().chars().map(|c| if c.is_ascii_whitespace() { ' ' } else { visible(c) }).collect();
    let left = line.chars().count().saturating_sub(shown);
    if left == 0 {
        return line;
    }
    let shown: String = line.chars().take(shown).collect();
    format!("{shown} … ({left} characters more)")
}

/// What a server says is text, and does not steer the terminal.
pub(super) fn visible(c: char) -> char {
    if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }
}

/// Lines that GitHub takes for no command: those begin with `::`, blanks aside, or hold `##[`.
pub(super) fn without_commands(text: &str) -> String {
    let line = |line: &str| {
        let said = line.trim_start();
        let begin = &line[..line.len() - said.len()];
        let said = said.strip_prefix("::").map_or_else(|| said.to_string(), |rest| format!(": :{rest}"));
        format!("{begin}{}", said.replace("##[", "## ["))
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_does_not_steer_the_terminal_and_is_cut_where_it_is_long() {
        assert_eq!(short("a\u{1b}[2J\r\n\tb\u{7}\n", 9), "a\u{fffd}[2J   b … (1 characters more)");
        assert_eq!(short("äöü", 3), "äöü");
    }

    #[test]
    fn no_line_is_a_command_of_a_ci() {
        assert_eq!(without_commands("a\n  ::error::x\n::add-mask::y"), "a\n  : :error::x\n: :add-mask::y");
        assert_eq!(without_commands("a::b ##[error]c\n"), "a::b ## [error]c\n");
    }
}
