//! An accessibility check with axe-core.

use serde_json::Value;

use crate::browser::Browser;

/// What is checked: WCAG 2.1 AA and what axe's makers call best practice.
const RUN: &str = "
    const { violations } = await axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
        resultTypes: ['violations'],
    });
    return violations.map(({ id, help, nodes }) =>
        `${id}: ${help}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`);
";

/// Asserts that the screen as it is now has no violations.
pub async fn assert_accessible(browser: &Browser, screen: &str) {
    if browser.evaluate("return typeof axe === 'undefined'", vec![]).await == Value::Bool(true) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/axe-core/axe.min.js");
        let source = std::fs::read_to_string(path).unwrap_or_else(|_| panic!("axe-core is missing; run `e2e/browser`"));
        browser.evaluate(&source, vec![]).await;
    }
    let violations = browser.evaluate_async(RUN).await;
    assert_eq!(violations, serde_json::json!([]), "{screen}: {violations:#}");
}
