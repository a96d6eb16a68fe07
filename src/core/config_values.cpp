#include "core/config_values.hpp"

#include "core/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

namespace mirrord {
namespace {

struct TimeUnit {
  std::string_view name;
  int64_t microseconds;
};

constexpr TimeUnit kTimeUnits[] = {
    {"d", 86'400'000'000}, {"h", 3'600'000'000}, {"min", 60'000'000},
    {"s", 1'000'000},      {"ms", 1'000},        {"us", 1},
};

constexpr std::string_view kDaemonScheme = "rsync://";

bool is_space(char c) { return c == ' ' || c == '\t'; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Cuts `length` characters off the front of `rest`.
std::string_view take(std::string_view& rest, size_t length) {
  const std::string_view front = rest.substr(0, length);
  rest.remove_prefix(front.size());
  return front;
}

template <class Predicate>
std::string_view take_while(std::string_view& rest, Predicate wanted) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), wanted);
  return take(rest, static_cast<size_t>(end - rest.begin()));
}

template <class Number>
std::optional<Number> take_number(std::string_view& rest) {
  Number number{};
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc{}) return std::nullopt;
  take(rest, static_cast<size_t>(end - rest.data()));
  return number;
}

std::optional<Duration> take_duration_term(std::string_view& rest) {
  const auto number = take_number<uint64_t>(rest);
  const std::string_view name = take_while(rest, is_letter);
  const auto* unit = std::find_if(std::begin(kTimeUnits), std::end(kTimeUnits),
                                  [&](const TimeUnit& known) { return known.name == name; });
  if (!number || unit == std::end(kTimeUnits)) return std::nullopt;
  const int64_t most = std::numeric_limits<int64_t>::max() / unit->microseconds;
  if (*number > static_cast<uint64_t>(most)) return std::nullopt;
  return Duration(static_cast<int64_t>(*number) * unit->microseconds);
}

/// The power of two that a suffix of a size stands for.
std::optional<unsigned> size_shift(std::string_view suffix) {
  if (suffix.empty()) return 0;
  if (suffix == "k" || suffix == "K") return 10;
  if (suffix == "m" || suffix == "M") return 20;
  if (suffix == "g" || suffix == "G") return 30;
  if (suffix == "t" || suffix == "T") return 40;
  return std::nullopt;
}

/// What is wrong with a login or a host, "" when nothing is.
std::string fault_of_name(std::string_view kind, const std::string& name) {
  if (name.empty()) return fmt::format("the {} is empty", kind);
  if (name.front() == '-')
    return fmt::format("ssh would read a {} that begins with '-' as an option", kind);
  if (std::any_of(name.begin(), name.end(), is_space))
    return fmt::format("there is white space in the {}", kind);
  return "";
}

/// Reads "[login@]host" or "[login@][v6]" from the front; what follows stays in `rest`.
bool take_address(std::string_view& rest, Destination& destination, std::string& reason) {
  const size_t at = rest.substr(0, rest.find_first_of(":/[")).rfind('@');
  if (at != std::string_view::npos) {
    destination.login = take(rest, at);
    take(rest, 1);
    reason = fault_of_name("login", destination.login);
    if (!reason.empty()) return false;
  }
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) {
      reason = "the ']' after the IPv6 address is missing";
      return false;
    }
    destination.host = rest.substr(1, close - 1);
    take(rest, close + 1);
  } else {
    destination.host = take(rest, rest.find_first_of(":/"));
  }
  reason = fault_of_name("host", destination.host);
  return reason.empty();
}

bool read_path(const std::string& text, Destination& destination, std::string& reason) {
  if (text.empty()) {
    reason = "the path is missing; write it after the colon, as in \"host:/path\"";
    return false;
  }
  const auto path = normalise_path(text, reason);
  if (!path) return false;
  if (*path == "/") {
    reason = "refusing to mirror onto '/'";
    return false;
  }
  destination.path = *path;
  return true;
}

/// Reads "module/path" or "module", the module's root.
bool read_module(std::string_view text, Destination& destination, std::string& reason) {
  destination.kind = Destination::Kind::rsync_daemon;
  destination.module = take(text, text.find('/'));
  if (destination.module.empty()) {
    reason = "the module is missing; write it as in \"host::module/path\"";
    return false;
  }
  if (destination.module.find(':') != std::string::npos) {
    reason = "there is a ':' in the module; if the host is an IPv6 address, put it in brackets";
    return false;
  }
  const auto path = normalise_path("/" + std::string(text), reason);
  if (!path) return false;
  destination.path = path->substr(1);
  return true;
}

bool read_daemon_url(std::string_view text, Destination& destination, std::string& reason) {
  if (without_password(std::string(text)) != text) {
    reason = "there is a password in it; put it into a file, and name that in rsync.password_file";
    return false;
  }
  take(text, kDaemonScheme.size());
  if (!take_address(text, destination, reason)) return false;
  if (text.starts_with(':')) {
    take(text, 1);
    destination.port = take_number<uint16_t>(text);
    if (destination.port.value_or(0) == 0) {
      reason = "the port must be between 1 and 65535";
      return false;
    }
  }
  if (!text.empty() && text.front() != '/') {
    reason = "a '/' and the module must follow the host";
    return false;
  }
  return read_module(text.substr(text.empty() ? 0 : 1), destination, reason);
}

bool read_remote(std::string_view text, Destination& destination, std::string& reason) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find('/') < colon) {
    reason = "it is neither HOST:/PATH nor an absolute path";
    return false;
  }
  if (!take_address(text, destination, reason)) return false;
  if (text.starts_with("://")) {
    reason = "it looks like a URL; write HOST:/PATH";
    return false;
  }
  if (text.starts_with("::")) return read_module(text.substr(2), destination, reason);
  if (!text.empty() && text.front() != ':') {
    reason = "a ':' and an absolute path must follow the host";
    return false;
  }
  destination.kind = Destination::Kind::ssh;
  return read_path(std::string(text.substr(text.empty() ? 0 : 1)), destination, reason);
}

bool read_destination(const std::string& text, Destination& destination, std::string& reason) {
  if (text.empty()) {
    reason = "it is empty";
    return false;
  }
  if (has_control_characters(text)) {
    reason = "there are control characters in it";
    return false;
  }
  if (text.starts_with(kDaemonScheme)) return read_daemon_url(text, destination, reason);
  if (text.front() == '/') return read_path(text, destination, reason);
  return read_remote(text, destination, reason);
}

}  // namespace

std::optional<Duration> parse_duration(const std::string& text) {
  if (text == "0") return Duration::zero();
  std::string_view rest = text;
  Duration total = Duration::zero();
  while (true) {
    const auto term = take_duration_term(rest);
    if (!term || *term > Duration::max() - total) return std::nullopt;
    total += *term;
    if (rest.empty()) return total;
    take_while(rest, is_space);
  }
}

std::string format_duration(Duration duration) {
  std::string text;
  int64_t rest = duration.count();
  for (const TimeUnit& unit : kTimeUnits) {
    if (rest < unit.microseconds) continue;
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", rest / unit.microseconds, unit.name);
    rest %= unit.microseconds;
  }
  return text.empty() ? "0s" : text;
}

std::optional<uint64_t> parse_size(const std::string& text) {
  std::string_view rest = text;
  const auto number = take_number<uint64_t>(rest);
  const auto shift = size_shift(rest);
  if (!number || !shift) return std::nullopt;
  if (*number > std::numeric_limits<uint64_t>::max() >> *shift) return std::nullopt;
  return *number << *shift;
}

std::optional<double> parse_percent(const std::string& text) {
  const bool numeric = text.find_first_not_of("0123456789.%") == std::string::npos;
  std::string_view rest = text;
  const auto number = take_number<double>(rest);
  if (!numeric || !number || rest != "%" || *number > 100) return std::nullopt;
  return number;
}

std::optional<std::string> normalise_path(const std::string& text, std::string& reason) {
  if (!text.starts_with('/')) {
    reason = "the path must be absolute, that is, begin with '/'";
    return std::nullopt;
  }
  std::string path;
  std::string_view rest = text;
  while (!rest.empty()) {
    take_while(rest, [](char c) { return c == '/'; });
    const std::string_view component = take(rest, rest.find('/'));
    if (component == "..") {
      reason = "the path must not contain '..'";
      return std::nullopt;
    }
    if (component.empty() || component == ".") continue;
    path.append("/").append(component);
  }
  return path.empty() ? "/" : path;
}

std::string without_password(const std::string& destination) {
  if (!destination.starts_with(kDaemonScheme)) return destination;
  const std::string_view whole = destination;
  const size_t start = kDaemonScheme.size();
  const size_t at = whole.substr(0, whole.find('/', start)).rfind('@');
  const size_t colon = whole.find(':', start);
  if (at == std::string_view::npos || colon > at) return destination;
  return std::string(destination).erase(colon, at - colon);
}

bool has_control_characters(const std::string& text) {
  unsigned char before = 0;
  return std::any_of(text.begin(), text.end(), [&](unsigned char c) {
    const bool is_c1 = before == 0xc2 && c >= 0x80 && c < 0xa0;
    before = c;
    return c < ' ' || c == 0x7f || is_c1;
  });
}

std::optional<Destination> parse_destination(const std::string& text, std::string& reason) {
  Destination destination;
  destination.text = text;
  if (!read_destination(text, destination, reason)) return std::nullopt;
  return destination;
}

}  // namespace mirrord
