//! Every screen on a phone and on a desktop, light and dark: accessibility, width, and a screenshot to be looked at.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::axe::assert_accessible;
use crate::visit::Visit;

/// Name, width and height in CSS pixels, and whether it is a phone.
const DEVICES: [(&str, u32, u32, bool); 2] = [("phone", 360, 740, true), ("desktop", 1280, 800, false)];

impl Visit {
    /// Inspects the screen that is to be seen now. Screenshots go to `target/screenshots/{screen}-{device}-{theme}.png`.
    pub async fn inspect(&self, screen: &str) {
        let browser = &self.browser;
        for (device, width, height, mobile) in DEVICES {
            let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
            browser.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
            for theme in ["light", "dark"] {
                let name = format!("{screen}-{device}-{theme}");
                // Without motion, so that no color is measured on its way to another.
                let features = json!([
                    { "name": "prefers-color-scheme", "value": theme },
                    { "name": "prefers-reduced-motion", "value": "reduce" },
                ]);
                browser.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
                assert_accessible(browser, &name).await;
                let script = "const { scrollWidth, scrollHeight } = document.documentElement; return [scrollWidth, scrollHeight]";
                let size = browser.evaluate(script, vec![]).await;
                assert!(size[0].as_u64() <= Some(u64::from(width)), "{name}: wider than the screen, {size}");
                let whole = json!({ "x": 0, "y": 0, "width": width, "height": size[1], "scale": 1 });
                let parameters = json!({ "captureBeyondViewport": true, "clip": whole });
                let picture = browser.cdp("Page.captureScreenshot", parameters).await;
                let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
                let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/screenshots"));
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
            }
        }
        browser.cdp("Emulation.clearDeviceMetricsOverride", json!({})).await;
        browser.cdp("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
    }
}
