//! The one writer of pictures: shapes and words on a canvas, in few colours. The same input gives
//! the same bytes.

use std::fmt::Write as _;

pub const WIDTH: f64 = 960.0;
pub const INK: &str = "#37352f";
pub const FAINT: &str = "#dedbd3";
/// Ours.
pub const OURS: &str = "#b5833f";
/// The others', in turn.
pub const OTHERS: [&str; 8] =
    ["#5b8a8a", "#a8574a", "#7a6fa3", "#6f8f4e", "#8a8781", "#c2703d", "#4f6d9a", "#a3658c"];

/// Where a word's place is.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture under way.
pub struct Canvas {
    out: String,
}

impl Canvas {
    /// `described`: what the picture shows, in words, for those who do not see it.
    pub fn new(height: f64, title: &str, described: &str) -> Self {
        let mut canvas = Self { out: String::new() };
        let (name, what) = (escaped(title), escaped(described));
        let _ = writeln!(
            canvas.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"{INK}\">\n\
             <title id=\"title\">{name}</title>\n<desc id=\"desc\">{what}</desc>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <text x=\"20\" y=\"28\" font-size=\"16\" font-weight=\"600\">{name}</text>"
        );
        canvas
    }

    pub fn words(&mut self, at: (f64, f64), anchor: Anchor, colour: &str, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let words = escaped(words);
        let _ = writeln!(
            self.out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" \
             fill=\"{colour}\">{words}</text>",
            at.0, at.1
        );
    }

    pub fn bar(&mut self, from: (f64, f64), size: (f64, f64), colour: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
            from.0, from.1, size.0, size.1
        );
    }

    pub fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" });
        }
        let _ = writeln!(
            self.out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
             stroke-linejoin=\"round\"/>"
        );
    }

    pub fn dot(&mut self, at: (f64, f64), colour: &str) {
        let _ = writeln!(
            self.out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"{colour}\"/>",
            at.0, at.1
        );
    }

    pub fn finish(self) -> String {
        self.out + "</svg>\n"
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
