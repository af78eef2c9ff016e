//! What tells that a server lives, and how it is configured.

use super::success;
use crate::dialect::{Api, StatePage};
use crate::http::{Answer, JSON, TEXT_UTF8};
use crate::world::World;

pub(super) fn answer(world: &World, api: Api) -> Answer {
    match api {
        Api::HealthV1 => Answer::new(200, TEXT_UTF8, "OK"),
        Api::HealthV2 => Answer::new(200, JSON, success("\"ok\"")),
        Api::StateV3 => Answer::new(200, JSON, success(&state(world))),
        _ => Answer::new(200, JSON, state(world)),
    }
}

fn state(world: &World) -> String {
    let version = world.dialect.version;
    let (enabled, port) = (world.auth.enabled, world.settings.port);
    match world.dialect.state_page {
        StatePage::Version => {
            return format!(r#"{{"version":"{version}","standalone_mode":"standalone","function_mode":null}}"#);
        }
        StatePage::Authentication => {
            return format!(
                r#"{{"auth_system_type":"nacos","auth_enabled":"{enabled}","version":"{version}","login_page_enabled":"{enabled}","standalone_mode":"standalone","function_mode":null}}"#
            );
        }
        StatePage::Settings => {}
    }
    format!(
        r#"{{"defaultMaxSize":"102400","auth_system_type":"nacos","auth_enabled":"{enabled}","defaultMaxAggrSize":"1024","maxHealthCheckFailCount":"12","maxContent":"10485760","console_ui_enabled":"true","defaultMaxAggrCount":"10000","defaultGroupQuota":"200","config_retention_days":"30","auth_admin_request":"false","startup_mode":"standalone","isHealthCheck":"true","version":"{version}","function_mode":null,"isManageCapacity":"true","isCapacityLimitCheck":"false","datasource_platform":"","notifyConnectTimeout":"100","server_port":"{port}","notifySocketTimeout":"200","defaultClusterQuota":"100000","plugin_datasource_log_enabled":"false","login_page_enabled":"true"}}"#
    )
}
