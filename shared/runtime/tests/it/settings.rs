use onboarding::LongestWaits;
use onboarding::limiter::CallLimit;
use partner_hub::messaging::AllowedHosts;
use queue::QueueName;
use runtime::settings::{
    DispatcherConfig, Env, HubConfig, MessagingConfig, MetaConfig, PageConfig, RetentionConfig, SecretsConfig,
    TableConfig, VaultConfig, WaitConfig, WebhookConfig,
};
use time::Duration;

fn env(variables: &[(&str, &str)]) -> Env {
    Env::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// The names of what is wrong.
fn wrong<T>(
    variables: &[(&str, &str)],
    read: impl FnOnce(&mut Env) -> Result<T, runtime::settings::Incomplete>,
) -> Vec<&'static str> {
    let mut env = env(variables);
    let read = read(&mut env);
    env.finish(|| read).err().map_or(Vec::new(), |error| error.problems.iter().map(|problem| problem.name).collect())
}

const HUB: [(&str, &str); 2] = [("HUB_PARTNER_ID", "mT6kWqPA"), ("SOLUTION_ID", "732190846521907")];
const META: (&str, &str) = ("META_APP_ID", "611538240974");
const PAGE: [(&str, &str); 3] = [HUB[0], HUB[1], ("META_CONFIG_ID", "905512374418")];

/// The variables of all queues, with a URL.
fn queues() -> Vec<(&'static str, &'static str)> {
    QueueName::all().filter_map(QueueName::variable).map(|name| (name, "https://sqs.example/queue")).collect()
}

#[test]
fn every_configuration_error_is_named_at_once_without_its_value() {
    let mut env = env(&[
        ("TABLE_NAME", " "),
        ("HUB_BASE_URL", "http://hub.example.com/oops"),
        ("HUB_CALL_LIMIT", "oops/30"),
        ("META_GRAPH_VERSION", "oops"),
        ("VAULT_PREFIX", "/oops"),
        ("SETUP_LINK_DAYS", "0oops"),
        ("CONNECTION", "oops"),
        ("COEXISTENCE_SOLUTION_ID", "oops"),
        ("KEY_DELETION_DAYS", "366oops"),
        ("KEY_CREATION_QUEUE_URL", "oops"),
    ]);
    let table = TableConfig::read(&mut env);
    let secrets = SecretsConfig::read(&mut env);
    let hub = HubConfig::read(&mut env);
    let meta = MetaConfig::read(&mut env);
    let vault = VaultConfig::read(&mut env);
    let dispatcher = DispatcherConfig::read(&mut env);
    let page = PageConfig::read(&mut env);
    let kept = RetentionConfig::read(&mut env);
    let error = env.finish(|| Ok((table?, secrets?, hub?, meta?, vault?, dispatcher?, page?, kept?))).unwrap_err();
    let names: Vec<_> = error.problems.iter().map(|problem| problem.name).collect();
    let queues: Vec<_> = queues().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            &[
                "TABLE_NAME",
                "BUNDLE_SECRET_ID",
                "WORKER_SECRET_ID",
                "SEALING_KEY_ID",
                "HEADER_KEY_ID",
                "HUB_BASE_URL",
                "HUB_PARTNER_ID",
                "SOLUTION_ID",
                "META_GRAPH_VERSION",
                "META_APP_ID",
                "VAULT_PREFIX",
                "HUB_CALL_LIMIT",
            ],
            queues.as_slice(),
            &["META_CONFIG_ID", "CONNECTION", "COEXISTENCE_SOLUTION_ID", "SETUP_LINK_DAYS"],
            &["KEY_DELETION_DAYS"],
        ]
        .concat()
    );
    let text = error.to_string();
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
    assert!(!text.contains("oops"), "{text}");
    assert!(text.contains("TABLE_NAME is missing; BUNDLE_SECRET_ID is missing"), "{text}");
}

#[test]
fn a_malformed_optional_setting_is_an_error_even_if_nobody_asks_for_the_section() {
    let mut env = env(&[("MESSAGE_WEBHOOK_URL", "example.com")]);
    _ = MessagingConfig::read(&mut env);
    assert!(env.finish(|| Ok(())).is_err());
}

#[test]
fn an_unset_setting_has_the_documented_default() {
    let mut env = env(&[PAGE[0], PAGE[1], PAGE[2], META, ("HUB_CALL_LIMIT", "")]);
    let hub = HubConfig::read(&mut env);
    let meta = MetaConfig::read(&mut env);
    let messaging = MessagingConfig::read(&mut env);
    let page = PageConfig::read(&mut env);
    let webhook = WebhookConfig::read(&mut env);
    let waits = WaitConfig::read(&mut env);
    let (hub, meta, messaging, page, webhook, waits) =
        env.finish(|| Ok((hub?, meta?, messaging?, page?, webhook?, waits?))).unwrap();
    assert_eq!(hub.base_url.as_str(), "https://hub.360dialog.io/api/v2");
    assert_eq!(meta.graph_url.as_str(), "https://graph.facebook.com/");
    assert_eq!(meta.graph_version, "v25.0");
    assert_eq!(messaging.webhook_url, None);
    assert_eq!(messaging.hosts, AllowedHosts::default());
    assert!(page.extras.is_empty() && page.return_origins.is_empty() && page.public_url.is_none());
    assert_eq!(page.link_lifetime, Duration::days(7));
    assert_eq!(page.sdk_url.as_str(), "https://connect.facebook.net/");
    assert_eq!(page.permission_url.as_str(), "https://hub.360dialog.com/dashboard/app/mT6kWqPA/permissions");
    assert_eq!(page.dialog_url.as_str(), "https://www.facebook.com/");
    assert!(page.frame_ancestors.is_empty());
    assert_eq!((page.brand.name, page.brand.logo_url, page.brand.support_url), (None, None, None));
    assert_eq!(page.brand.color, [0x0b, 0x6e, 0x5f]);
    assert_eq!(webhook.token_header.as_str(), "x-partner-token");
    assert_eq!(waits.longest, LongestWaits::default());
}

#[test]
fn setting_urls_must_be_https_unless_they_are_loopback() {
    let base = |url| wrong(&[HUB[0], HUB[1], ("HUB_BASE_URL", url)], HubConfig::read);
    for good in [
        "https://a.example/v2",
        "http://localhost:9",
        "http://127.0.0.1:9/api",
        "http://[::1]:9",
        "http://hub.localhost",
    ] {
        assert!(base(good).is_empty(), "{good}");
    }
    for bad in [
        "http://a.example",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "ftp://a.example",
        "data:x",
        "https://",
        "https://user:word@a.example",
        "https://a.example?x=1",
        "https://a.example#x",
    ] {
        assert_eq!(base(bad), ["HUB_BASE_URL"], "{bad}");
    }
    assert!(exchange::is_loopback(&"http://127.9.9.9".parse().unwrap()));
    assert!(!exchange::is_loopback(&"http://10.0.0.1".parse().unwrap()));
}

#[test]
fn settings_that_are_call_limits_versions_or_ids_are_checked() {
    for bad in ["5", "0/30", "5/0", "5/30/1", "-5/30", "5/4000", "5/30s"] {
        assert_eq!(
            wrong(&[HUB[0], HUB[1], ("HUB_CLIENT_FILTER", bad)], HubConfig::read),
            ["HUB_CLIENT_FILTER"],
            "{bad}"
        );
        let with_limit = [queues(), vec![("HUB_CALL_LIMIT", bad)]].concat();
        assert_eq!(wrong(&with_limit, DispatcherConfig::read), ["HUB_CALL_LIMIT"], "{bad}");
    }
    for bad in ["25.0", "v25", "v25.", "v25.0.1", "v-1.0"] {
        assert_eq!(wrong(&[META, ("META_GRAPH_VERSION", bad)], MetaConfig::read), ["META_GRAPH_VERSION"], "{bad}");
    }
    assert_eq!(wrong(&[HUB[0], ("SOLUTION_ID", "123456789")], HubConfig::read), ["SOLUTION_ID"]);
    assert_eq!(wrong(&[HUB[1], ("HUB_PARTNER_ID", "a/../b")], HubConfig::read), ["HUB_PARTNER_ID"]);
}

#[test]
fn settings_that_are_lists_are_checked_member_by_member() {
    let with = |name, value| [PAGE[0], PAGE[1], PAGE[2], (name, value)];
    let mut env = env(&with("RETURN_URL_ORIGINS", "https://a.example, https://b.example:8443/,"));
    let page = PageConfig::read(&mut env);
    let origins = env.finish(|| page).unwrap().return_origins;
    assert_eq!(origins.len(), 2);
    assert!(origins.contains(&"https://b.example:8443/any/path".parse::<url::Url>().unwrap().origin()));
    for bad in ["https://a.example/path", "a.example", "*", "http://a.example"] {
        assert_eq!(wrong(&with("RETURN_URL_ORIGINS", bad), PageConfig::read), ["RETURN_URL_ORIGINS"], "{bad}");
    }
    for bad in ["https://360dialog.io", "*.360dialog.io", "360dialog.io:443", "360dialog.io/x", ","] {
        assert_eq!(wrong(&[("MESSAGING_HOSTS", bad)], MessagingConfig::read), ["MESSAGING_HOSTS"], "{bad}");
    }
    for bad in ["[]", "{", "text"] {
        assert_eq!(wrong(&with("META_EXTRAS", bad), PageConfig::read), ["META_EXTRAS"], "{bad}");
    }
    for bad in ["0", "91", "a week"] {
        assert_eq!(wrong(&with("SETUP_LINK_DAYS", bad), PageConfig::read), ["SETUP_LINK_DAYS"], "{bad}");
    }
}

#[test]
fn settings_of_longest_waits_are_checked() {
    for (name, bad) in [
        ("OVERDUE_CONFIRMING_MINUTES", "4"),
        ("OVERDUE_SIGNED_UP_HOURS", "0"),
        ("OVERDUE_SUBMITTED_HOURS", "721"),
        ("OVERDUE_LIVE_MINUTES", "29"),
        ("OVERDUE_LIVE_MINUTES", "1441"),
        ("OVERDUE_PERMISSION_HOURS", "3 days"),
    ] {
        assert_eq!(wrong(&[(name, bad)], WaitConfig::read), [name], "{bad}");
    }
    let mut env = env(&[("OVERDUE_SUBMITTED_HOURS", "720"), ("OVERDUE_LIVE_MINUTES", "30")]);
    let waits = WaitConfig::read(&mut env);
    let longest = env.finish(|| waits).unwrap().longest;
    let expected =
        LongestWaits { submitted: Duration::days(30), live: Duration::minutes(30), ..LongestWaits::default() };
    assert_eq!(longest, expected);
}

#[test]
fn records_are_kept_for_90_days_at_least() {
    for bad in ["89", "3651", "-400", "400.5", "a year"] {
        assert_eq!(wrong(&[("RETENTION_DAYS", bad)], RetentionConfig::read), ["RETENTION_DAYS"], "{bad}");
    }
    for (given, days) in [("", 400), ("90", 90), ("3650", 3650)] {
        let mut env = env(&[("RETENTION_DAYS", given)]);
        let retention = RetentionConfig::read(&mut env);
        assert_eq!(env.finish(|| retention).unwrap().kept, Duration::days(days));
    }
}

#[test]
fn settings_that_customers_see_are_checked() {
    let long = "x".repeat(61);
    for (name, bad) in [
        ("PARTNER_NAME", long.as_str()),
        ("PARTNER_NAME", "two\nlines"),
        ("PARTNER_LOGO_URL", "http://cdn.example/logo.svg"),
        ("PARTNER_LOGO_URL", "data:image/png;base64,AAAA"),
        ("PARTNER_COLOR", "teal"),
        ("PARTNER_COLOR", "#12345"),
        ("PARTNER_COLOR", "#12345é"),
        ("SUPPORT_URL", "javascript:alert(1)"),
        ("SUPPORT_URL", "mailto:nobody"),
        ("FRAME_ANCESTORS", "*"),
    ] {
        assert_eq!(wrong(&[PAGE[0], PAGE[1], PAGE[2], (name, bad)], PageConfig::read), [name], "{bad}");
    }
    let good = [
        PAGE[0],
        PAGE[1],
        PAGE[2],
        ("PARTNER_COLOR", "#FFd400"),
        ("SUPPORT_URL", "mailto:help@a.example"),
        ("PARTNER_LOGO_URL", "https://cdn.example/logo.svg?v=2"),
    ];
    let mut env = env(&good);
    let page = PageConfig::read(&mut env);
    assert_eq!(env.finish(|| page).unwrap().brand.color, [0xff, 0xd4, 0]);
}

#[test]
fn the_dispatcher_needs_the_limit_and_every_queue() {
    let queues = queues();
    let mut env = env(&queues);
    let dispatcher = DispatcherConfig::read(&mut env);
    let dispatcher = env.finish(|| dispatcher).unwrap();
    assert_eq!(dispatcher.call_limit, CallLimit { calls: 5, period: Duration::seconds(30) });
    assert_eq!(dispatcher.queues.len(), queues.len());
    let others: Vec<_> = queues[1..].iter().map(|(name, _)| *name).collect();
    assert_eq!(wrong(&queues[..1], DispatcherConfig::read), others);
}

#[test]
fn a_message_webhook_url_keeps_its_query() {
    let mut env = env(&[("MESSAGE_WEBHOOK_URL", "https://a.example/in?tenant=7")]);
    let messaging = MessagingConfig::read(&mut env);
    let url = env.finish(|| messaging).unwrap().webhook_url.unwrap();
    assert_eq!(url.as_str(), "https://a.example/in?tenant=7");
}
