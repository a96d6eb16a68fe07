// The verbs that tell facts: status, explain and metrics.
#include <fmt/format.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>

#include "core/metrics.hpp"
#include "core/status_text.hpp"
#include "ctl/verbs.hpp"
#include "io/handle.hpp"

namespace mirrord {

namespace {

using Json = nlohmann::ordered_json;

Json find_named(const Json& list, const std::string& name, const std::string& what) {
  for (const Json& one : list)
    if (one.at("Name") == name) return one;
  throw Failure(Exit::failed, "No such " + what + " '" + name + "'");
}

std::string text_of(const Json& json, const char* key) { return json.at(key).get<std::string>(); }

void print_explanation(const Json& json) {
  std::string path = text_of(json, "path");
  std::string file = text_of(json, "file");
  std::string reason = text_of(json, "reason");
  bool mirrored = json.at("mirrored").get<bool>();
  std::printf("%s: %s\n", path.empty() ? "." : path.c_str(),
              mirrored ? "mirrored" : ("not mirrored: " + reason).c_str());
  std::printf("  %s%s%s\n", text_of(json, "type").c_str(), file.empty() ? "" : " ", file.c_str());
  for (const Json& link : json.at("links"))
    std::printf("  through the link %s -> %s\n", text_of(link, "path").c_str(),
                text_of(link, "to").c_str());
  for (const Json& other : json.at("also"))
    std::printf("  also mirrored as %s\n", other.get<std::string>().c_str());
  for (const Json& target : json.at("targets"))
    std::printf("  %s: %s%s\n", text_of(target, "name").c_str(),
                target.at("pending").get<bool>() ? "pending, " : "",
                text_of(target, "state").c_str());
}

}  // namespace

Failure unwritable_output(int error) {
  const std::string reason = error == 0 ? "" : ": " + std::generic_category().message(error);
  return {Exit::failed, "standard output cannot be written" + reason};
}

void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) == EOF) throw unwritable_output(errno);
}

void print_json(const std::string& text) {
  constexpr int kIndent = 2;
  print((::isatty(STDOUT_FILENO) == 1 ? Json::parse(text).dump(kIndent) : text) + '\n');
}

uint64_t now_usec() {
  auto wall = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<Duration>(wall).count());
}

bool wants_colours() {
  const char* refused = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (!refused || *refused == '\0');
}

Exit show_status(const BusClient::Address& address, const Selection& selection, bool json) {
  BusClient bus(address);
  if (!json) {
    Status status = selected(read_status(bus), selection);
    print(status_text(status, {now_usec(), wants_colours()}));
    return Exit::ok;
  }
  Json all = Json::parse(read_json(bus));
  if (!selection.group.empty()) all = find_named(all.at("Groups"), selection.group, "group");
  if (!selection.target.empty()) all = find_named(all.at("Targets"), selection.target, "target");
  print_json(all.dump());
  return Exit::ok;
}

Exit explain(const BusClient::Address& address, const std::string& group, const std::string& path,
             bool json) {
  BusClient bus(address);
  auto call = bus.method(kManagerInterface, "Explain");
  check(sd_bus_message_append(call.get(), "s", group.c_str()), "prepare the call of Explain");
  check(sd_bus_message_append_array(call.get(), 'y', path.data(), path.size()),
        "prepare the call of Explain");
  auto reply = bus.call(call);
  const char* text = nullptr;
  check(sd_bus_message_read(reply.get(), "s", &text), "read the daemon's answer");
  Json answer = Json::parse(text);
  if (json)
    print_json(text);
  else
    print_explanation(answer);
  return answer.at("mirrored").get<bool>() ? Exit::ok : Exit::failed;
}

Exit show_metrics(const BusClient::Address& address) {
  BusClient bus(address);
  Service service = read_service(bus);
  print(metrics_text(service.status, service.version, now_usec()));
  return Exit::ok;
}

}  // namespace mirrord
