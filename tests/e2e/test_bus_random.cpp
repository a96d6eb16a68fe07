// Calls that nobody should make: every method, with arguments by chance. The daemon answers each of
// them, and mirrors on.
//
// What is no message at all never comes to the daemon: sd-bus refuses to send, and dbus-daemon cuts
// off who sends, strings that are no UTF-8 and paths that are none. MIRRORD_BUS_SEED plays a run
// again; MIRRORD_BUS_SECONDS makes it longer.
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <regex>
#include <string_view>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

/// From the environment, for who wants to play a run again.
unsigned setting(const char* name, unsigned otherwise) {
  const char* value = std::getenv(name);
  return value ? static_cast<unsigned>(std::strtoul(value, nullptr, 10)) : otherwise;
}

struct Unref {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;

struct Method {
  BusObject object;
  std::string name;
  std::string signature;
};

/// The first complete type of a signature, D-Bus Specification, "Type System".
std::string_view first_type(std::string_view signature) {
  size_t end = signature.find_first_not_of('a');
  for (int open = 0; end < signature.size(); ++end) {
    open += signature[end] == '(' || signature[end] == '{';
    open -= signature[end] == ')' || signature[end] == '}';
    if (open == 0) break;
  }
  return signature.substr(0, end + 1);
}

/// Writes values that a message can hold, of types that are asked for or of any.
class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}

  size_t below(size_t limit) { return random_() % limit; }
  bool one_in(size_t limit) { return below(limit) == 0; }
  template <class Values>
  const auto& one_of(const Values& values) {
    return values[below(std::size(values))];
  }

  std::string signature() {
    std::string all;
    for (size_t i = below(4); i > 0; --i) all += type(3);
    // dbus-daemon cuts off who sends more than a few descriptors at a time.
    return one_in(4) ? all + 'h' : all;
  }

  void append(sd_bus_message* to, std::string_view signature) {
    while (!signature.empty()) {
      const std::string_view type = first_type(signature);
      append_one(to, type);
      signature.remove_prefix(type.size());
    }
  }

 private:
  std::string type(int depth) {
    constexpr std::string_view kBasic = "ybnqiuxtdsog";
    const std::string basic(1, one_of(kBasic));
    switch (depth > 0 ? below(8) : 7) {
      case 0:
        return "ay";
      case 1:
        return 'a' + type(depth - 1);
      case 2:
        return '(' + type(depth - 1) + type(depth - 1) + ')';
      case 3:
        return "a{" + basic + type(depth - 1) + '}';
      case 4:
        return "v";
      default:
        return basic;
    }
  }

  std::string text() {
    static const std::vector<std::string> kOdd{"",          "web",
                                               "copy",      "web/copy",
                                               "nosuch",    "/",
                                               "..",        "%s%n%99s",
                                               "\n\x1b[2J", "-rf",
                                               "--help",    "*",
                                               " ",         "\u00fc\u2028\U0001f600",
                                               "debug",     "copy\nweb/",
                                               "images",    "org.mirrord1.Target",
                                               "State"};
    if (!one_in(6)) return one_of(kOdd);
    std::string any(one_in(8) ? 1'000'000 : below(300), 'x');
    for (char& c : any) c = static_cast<char>(1 + below(0x7f));
    return any;
  }

  std::string bytes() {
    static const std::vector<std::string> kOdd{
        "", "images/logo.png", "/", "//", ".", "../../etc/passwd", "images/", "news/./today.html"};
    if (!one_in(3)) return one_of(kOdd);
    std::string any(one_in(8) ? 100'000 : below(300), 'x');
    for (char& c : any) c = static_cast<char>(below(256));
    return any;
  }

  std::string path() {
    static const std::vector<std::string> kOdd{"/", "/org/mirrord1", "/org/mirrord1/group/web",
                                               "/a/_/__"};
    return one_of(kOdd);
  }

  void append_one(sd_bus_message* to, std::string_view type) {
    const std::string inner(type.substr(1));
    switch (type.front()) {
      case 'a':
        if (inner == "y") return append_bytes(to);
        return append_all(to, 'a', inner, below(4));
      case '(':
        return append_all(to, 'r', inner.substr(0, inner.size() - 1), 1);
      case '{':
        return append_all(to, 'e', inner.substr(0, inner.size() - 1), 1);
      case 'v':
        return append_all(to, 'v', this->type(2), 1);
      default:
        return append_basic(to, type.front());
    }
  }

  void append_all(sd_bus_message* to, char kind, const std::string& inner, size_t times) {
    check(sd_bus_message_open_container(to, kind, inner.c_str()), inner);
    for (size_t i = 0; i < times; ++i) append(to, inner);
    check(sd_bus_message_close_container(to), inner);
  }

  void append_bytes(sd_bus_message* to) {
    const std::string any = bytes();
    check(sd_bus_message_append_array(to, 'y', any.data(), any.size()), "bytes");
  }

  void append_basic(sd_bus_message* to, char type) {
    const std::string name(1, type);
    if (type == 's') return check(sd_bus_message_append_basic(to, type, text().c_str()), name);
    if (type == 'o') return check(sd_bus_message_append_basic(to, type, path().c_str()), name);
    if (type == 'g') return check(sd_bus_message_append_basic(to, type, "a{sv}"), name);
    const int truth = static_cast<int>(below(2)), file = 0;
    if (type == 'b') return check(sd_bus_message_append_basic(to, type, &truth), name);
    if (type == 'h') return check(sd_bus_message_append_basic(to, type, &file), name);
    constexpr uint64_t kEdges[] = {0, 1, 0x7f, 0x7fffffff, 0x80000000, ~0ull, 0x8000000000000000};
    const uint64_t number = one_of(kEdges);
    check(sd_bus_message_append_basic(to, type, &number), name);
  }

  static void check(int result, const std::string& what) {
    mirrord::check(result, "append " + what);
  }

  std::minstd_rand random_;
};

class BusByChance : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    make_story();
    configure({.targets = {local_target("copy"), local_target("other")}});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
    sd_bus* bus_of_ours = nullptr;
    check(sd_bus_new(&bus_of_ours), "make a bus connection");
    connection_.reset(bus_of_ours);
    check(sd_bus_set_address(bus_of_ours, bus().address().c_str()), "set an address");
    check(sd_bus_set_bus_client(bus_of_ours, 1), "make a bus client");
    check(sd_bus_start(bus_of_ours), "connect");
  }

  /// As the daemon's own introspection has them.
  std::vector<Method> methods() {
    std::vector<Method> all;
    for (const auto& path :
         {manager_object().path, group_object("web").path, target_object("web", "copy").path,
          std::string("/org/freedesktop/LogControl1")}) {
      const std::string xml = introspection(path);
      const std::regex element("<(interface|method|arg)([^>]*)>");
      for (std::sregex_iterator one(xml.begin(), xml.end(), element), end; one != end; ++one) {
        const std::string tag = (*one)[1], rest = (*one)[2];
        if (tag == "interface") all.push_back({{path, attribute(rest, "name")}, "", ""});
        if (tag == "method") {
          const std::string interface = all.back().object.interface;
          all.push_back({{path, interface}, attribute(rest, "name"), ""});
        }
        if (tag == "arg" && attribute(rest, "direction") == "in")
          all.back().signature += attribute(rest, "type");
      }
    }
    std::erase_if(all, [](const Method& method) { return method.name.empty(); });
    return all;
  }

  /// The name of the error that came, "" for a reply.
  std::string answer_to(const Message& call) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    constexpr uint64_t kLimit = std::chrono::microseconds(kPatience).count();
    sd_bus_message* reply = nullptr;
    sd_bus_call(connection_.get(), call.get(), kLimit, &error, &reply);
    const Message owned(reply);
    const std::string name = error.name ? error.name : "";
    sd_bus_error_free(&error);
    return name;
  }

  Message new_call(const Method& method) {
    sd_bus_message* call = nullptr;
    check(sd_bus_message_new_method_call(connection_.get(), &call, "org.mirrord1",
                                         method.object.path.c_str(),
                                         method.object.interface.c_str(), method.name.c_str()),
          "make a call");
    return Message(call);
  }

  testing::AssertionResult mirrors_on() {
    client().call(manager_object(), "Resume", "ss", "", "");
    write_file(images / "written", std::to_string(++written_));
    return arrives("a change", {"copy", "other"});
  }

  size_t descriptors() const {
    const auto all = fs::directory_iterator("/proc/" + std::to_string(daemon->pid()) + "/fd");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

 private:
  std::string introspection(const std::string& path) {
    const Message call =
        new_call({{path, "org.freedesktop.DBus.Introspectable"}, "Introspect", ""});
    sd_bus_message* reply = nullptr;
    check(sd_bus_call(connection_.get(), call.get(), 0, nullptr, &reply), "introspect " + path);
    const Message owned(reply);
    const char* xml = nullptr;
    check(sd_bus_message_read(reply, "s", &xml), "read the introspection");
    return xml;
  }

  static std::string attribute(const std::string& element, const std::string& name) {
    std::smatch found;
    return std::regex_search(element, found, std::regex(name + "=\"([^\"]*)\"")) ? found.str(1)
                                                                                 : "";
  }

  std::unique_ptr<sd_bus, Unref> connection_;
  int written_ = 0;
};

bool is_an_answer(const std::string& error) {
  // These are what a caller's own library says when no answer came.
  for (const auto* none : {".NoReply", ".Timeout", ".Disconnected", ".ServiceUnknown"})
    if (error.ends_with(none)) return false;
  return error.empty() || error.starts_with("org.mirrord1.Error.") ||
         error.starts_with("org.freedesktop.DBus.Error.");
}

TEST_F(BusByChance, EveryCallIsAnsweredAndTheMirrorGoesOn) {
  const unsigned seed = setting("MIRRORD_BUS_SEED", std::random_device()());
  const std::chrono::seconds limit(setting("MIRRORD_BUS_SECONDS", 10));
  std::cout << "  MIRRORD_BUS_SEED=" << seed << '\n';
  SCOPED_TRACE("MIRRORD_BUS_SEED=" + std::to_string(seed));
  Chance chance(seed);
  const std::vector<Method> all = methods();
  ASSERT_GT(all.size(), 20u);
  const size_t descriptors_before = descriptors();
  const Stopwatch watch;
  size_t calls = 0, refused = 0;
  for (; watch.elapsed() < limit; ++calls) {
    Method method = chance.one_of(all);
    if (chance.one_in(10)) method.object.path = chance.one_of(all).object.path;
    if (chance.one_in(20)) method.object.path += "/_";
    const std::string signature = chance.one_in(3) ? chance.signature() : method.signature;
    const Message call = new_call(method);
    chance.append(call.get(), signature);
    const std::string error = answer_to(call);
    refused += !error.empty();
    ASSERT_TRUE(is_an_answer(error))
        << error << " to " << method.object.interface << '.' << method.name << " with \""
        << signature << "\", call " << calls << ", " << method.object.path;
    if (calls % 500 == 499) {
      ASSERT_TRUE(mirrors_on());
    }
  }
  std::cout << "  " << calls << " calls, " << refused << " refused\n";
  EXPECT_TRUE(mirrors_on());
  EXPECT_LT(refused, calls) << "some are as they should be";
  EXPECT_LE(descriptors(), descriptors_before + 32) << "a message's descriptors are closed with it";
}

}  // namespace
}  // namespace mirrord::test
