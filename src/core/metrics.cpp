#include "core/metrics.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

namespace mirrord {

namespace {

using Labels = std::initializer_list<std::pair<const char*, std::string>>;

/// OpenMetrics, "escaped-string".
std::string escaped(const std::string& value) {
  std::string text;
  for (char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

class Text {
 public:
  /// Begins a metric; its samples follow.
  void metric(const std::string& name, const char* type, const char* help) {
    name_ = "mirrord_" + name;
    text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name_, type, help);
    sample_ = type == std::string("counter") ? name_ + "_total" : name_;
  }

  template <class Number>
  void sample(Labels labels, Number value) {
    std::string list;
    for (const auto& [label, text] : labels)
      list += fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",", label, escaped(text));
    text_ += fmt::format("{}{} {}\n", sample_, list.empty() ? "" : "{" + list + "}", value);
  }

  std::string end() { return std::move(text_ += "# EOF\n"); }

 private:
  std::string text_, name_, sample_;
};

double seconds(uint64_t usec) { return static_cast<double>(usec) / 1e6; }

void add_service(Text& text, const Status& status, const std::string& version) {
  text.metric("build_info", "gauge", "The version of the daemon.");
  text.sample({{"version", version}}, 1);
  text.metric("config_loaded_timestamp_seconds", "gauge", "When the configuration was loaded.");
  text.sample({}, seconds(status.config_loaded_usec));
  text.metric("transfers_running", "gauge", "Transfers that run now.");
  text.sample({}, status.running_transfers);
  text.metric("transfers_limit", "gauge", "Transfers that may run at once.");
  text.sample({}, status.max_transfers);
}

void add_groups(Text& text, const Status& status) {
  text.metric("group_state", "gauge", "1 for the state that the group is in.");
  for (const GroupStatus& group : status.groups)
    for (const auto& [state, name] : kGroupStates)
      text.sample({{"group", group.name}, {"state", name}}, static_cast<int>(group.state == state));
  text.metric("group_watched_directories", "gauge", "Directories that are watched.");
  for (const GroupStatus& group : status.groups)
    text.sample({{"group", group.name}}, group.watched_directories);
  text.metric("group_followed_links", "gauge", "Links that are followed.");
  for (const GroupStatus& group : status.groups)
    text.sample({{"group", group.name}}, group.followed_links);
}

template <class Value>
void add_of_targets(Text& text, const Status& status, const char* name, const char* type,
                    const char* help, Value value_of) {
  text.metric(name, type, help);
  for (const TargetStatus& target : status.targets)
    text.sample({{"group", target.group}, {"target", target.name}}, value_of(target));
}

void add_targets(Text& text, const Status& status, uint64_t now_usec) {
  using T = const TargetStatus&;
  text.metric("target_state", "gauge", "1 for the state that the target is in.");
  for (T target : status.targets)
    for (const auto& [state, name] : kTargetStates)
      text.sample({{"group", target.group}, {"target", target.name}, {"state", name}},
                  static_cast<int>(target.state == state));
  auto add = [&](const char* name, const char* type, const char* help, auto value_of) {
    add_of_targets(text, status, name, type, help, value_of);
  };
  add("target_pending_paths", "gauge", "Changed paths that the target lacks.",
      [](T t) { return t.pending; });
  add("target_full_sync_pending", "gauge", "1 while a full sync is wanted or running.",
      [](T t) { return static_cast<int>(t.full_pending); });
  add("target_lag_seconds", "gauge", "Age of the oldest change that the target lacks.", [&](T t) {
    const uint64_t oldest = t.oldest_pending_usec;
    return oldest == 0 ? 0 : seconds(usec_between(oldest, now_usec));
  });
  add("target_last_sync_timestamp_seconds", "gauge", "When a transfer last succeeded.",
      [](T t) { return seconds(t.last_sync_usec); });
  add("target_failures_in_a_row", "gauge", "How often in a row the target was not reached.",
      [](T t) { return t.consecutive_failures; });
  add("target_last_exit_status", "gauge", "The exit status of the last rsync.",
      [](T t) { return t.last_exit_status; });
  add("target_transfers", "counter", "Transfers that ended.", [](T t) { return t.transfers; });
  add("target_files_sent", "counter", "Regular files sent.", [](T t) { return t.files_sent; });
  add("target_sent_bytes", "counter", "Bytes sent.", [](T t) { return t.bytes_sent; });
  add("target_hook_failures", "counter", "Hooks that failed.", [](T t) { return t.hook_failures; });
}

}  // namespace

std::string metrics_text(const Status& status, const std::string& version, uint64_t now_usec) {
  Text text;
  add_service(text, status, version);
  add_groups(text, status);
  add_targets(text, status, now_usec);
  return text.end();
}

}  // namespace mirrord
