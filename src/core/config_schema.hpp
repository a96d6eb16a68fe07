// The configuration language as data: each key of each table, and where its value goes.
//
// One schema per TOML table; a key exists when it has a row here. Defaults are the initial values in
// core/model. What spans several keys or tables is not known here: core/config and
// core/config_targets check that.
#pragma once

#include "core/config_reader.hpp"
#include "core/model.hpp"

#include <string>
#include <vector>

namespace mirrord {

/// A group while it is being read: parts that merge by key, before they become one value.
struct GroupDraft : Group {
  RsyncSettings rsync;
  SshSettings ssh;
  std::vector<FilterRule> exclude;
  std::vector<FilterRule> exclude_from;
};

const ConfigSchema<Limits>& daemon_schema();

/// [groups.NAME]. Of `targets` it only knows that the key exists, see read_targets.
const ConfigSchema<GroupDraft>& group_schema();

/// [defaults]: like a group, but refuses `source` and `targets`.
const ConfigSchema<GroupDraft>& defaults_schema();

const ConfigSchema<RetrySettings>& retry_schema();
const ConfigSchema<RsyncSettings>& rsync_schema();
const ConfigSchema<SshSettings>& ssh_schema();
const ConfigSchema<HookSettings>& hooks_schema();

/// Reads the table that `entry` holds, or reports that it holds none.
template <class Settings>
void read_inner_table(const ConfigEntry& entry, const ConfigSchema<Settings>& schema,
                      Settings& settings) {
  const ConfigScope inner = entry.scope.inner(entry.key);
  if (const auto* table = entry.value.as_table())
    read_table(inner, *table, schema, settings);
  else
    entry.wrong_type("a table");
}

}  // namespace mirrord
