//! The comparison as bars, in SVG.

use std::fmt::Write;

use crate::{Comparison, MEAN_TARGET, P95_TARGET};

const COLORS: [&str; 4] = ["#9aa5b1", "#d9a441", "#2f7ed8", "#4caf7d"];
const LEFT: f64 = 60.0;
const BASE: f64 = 300.0;
/// Pixels for a delay that equals that of fixed intervals.
const UNIT: f64 = 200.0;
const BAR: f64 = 16.0;
const GROUP: f64 = 180.0;

/// Mean and 95th percentile of each policy, as shares of fixed intervals at equal requests; dashes are the targets.
pub fn svg(comparisons: &[Comparison]) -> String {
    let width = LEFT + GROUP * comparisons.len() as f64 + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} 370\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"18\" font-size=\"14\">Delay from post to sight, fixed interval = 1, at equal requests</text>\n"
    );
    for share in [0.0, 0.5, 1.0] {
        let y = BASE - share * UNIT;
        line(&mut svg, (LEFT, width - 20.0), y, "#ddd", "none");
        text(&mut svg, LEFT - 28.0, y + 4.0, &format!("{share:.1}"));
    }
    for (index, comparison) in comparisons.iter().enumerate() {
        group(&mut svg, comparison, LEFT + 10.0 + GROUP * index as f64);
    }
    for (index, name) in ["fixed", "proportional", "schedule", "clairvoyant"].iter().enumerate() {
        let x = LEFT + 110.0 * index as f64;
        rect(&mut svg, x, 345.0, 12.0, COLORS[index]);
        text(&mut svg, x + 18.0, 355.0, name);
    }
    svg.push_str("</svg>\n");
    svg
}

fn group(svg: &mut String, comparison: &Comparison, left: f64) {
    text(svg, left, BASE + 32.0, comparison.name);
    type Ratio = fn(&Comparison, &crate::Outcome) -> f64;
    let measures: [(&str, Ratio, f64); 2] =
        [("mean", Comparison::mean_ratio, MEAN_TARGET), ("p95", Comparison::p95_ratio, P95_TARGET)];
    for (side, (name, ratio, target)) in measures.into_iter().enumerate() {
        let start = left + side as f64 * (4.0 * BAR + 14.0);
        for (index, (_, outcome)) in comparison.outcomes().into_iter().take(COLORS.len()).enumerate() {
            let height = (ratio(comparison, outcome) * UNIT).clamp(0.0, UNIT * 1.3);
            rect(svg, start + BAR * index as f64, BASE - height, height, COLORS[index]);
        }
        line(svg, (start, start + 4.0 * BAR), BASE - target * UNIT, "#c0392b", "4 3");
        text(svg, start + BAR, BASE + 15.0, name);
    }
}

fn rect(svg: &mut String, x: f64, y: f64, height: f64, color: &str) {
    let width = BAR - 3.0;
    _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width}\" height=\"{height:.1}\" fill=\"{color}\"/>");
}

fn line(svg: &mut String, (from, to): (f64, f64), y: f64, color: &str, dashes: &str) {
    _ = writeln!(
        svg,
        "<path d=\"M{from:.1} {y:.1}H{to:.1}\" stroke=\"{color}\" stroke-dasharray=\"{dashes}\" fill=\"none\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, words: &str) {
    _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>");
}
