//! A customer in a real browser, at the deployed page.

use deployed::Error;
use e2e::browser::Browser;
use e2e::popup::FINISH;
use e2e::traffic::Traffic;

use crate::journey::ready;
use crate::support::stack::DeployedStack;

/// A customer opens the setup link, goes through the popup, and sees the number connected.
pub(crate) async fn connects_a_number(stack: &mut DeployedStack) -> Result<(), Error> {
    let started = stack.api.start("tenant-5").await?;
    stack.secrets.push(started.token().to_owned());
    let browser = Browser::start("en-GB").await;
    browser.client.goto(&started.setup_url).await?;
    browser.sees_heading("Connect your WhatsApp number").await;
    browser.sign_up("Continue with Facebook", FINISH.by("one_number:5")).await;
    // Longer than a person would look at it: every function may have to start.
    ready(stack, &started).await?;
    browser.sees_heading("Your number is connected").await;

    let errors = browser.errors().await;
    if !errors.is_empty() {
        return Err(format!("the console shows {errors:#?}").into());
    }
    let traffic = Traffic::read(&browser.log("performance").await);
    traffic.assert_local();
    traffic.assert_secret(started.token(), &format!("{}/onboardings/{}", stack.url, started.id));
    browser.client.clone().close().await?;
    Ok(())
}
