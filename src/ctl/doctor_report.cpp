#include "ctl/doctor_report.hpp"

#include <cstdio>

#include "ctl/verbs.hpp"

namespace mirrord {

namespace {

// The colours: "select graphic rendition", ECMA-48 8.3.117.
constexpr struct {
  const char* name;
  const char* word;
  const char* colour;
} kKinds[] = {
    {"ok", "ok  ", "\033[32m"},
    {"warning", "warn", "\033[33m"},
    {"fault", "FAIL", "\033[31m"},
};
constexpr const char* kPlain = "\033[0m";

}  // namespace

Report::~Report() try {
  if (style_ == Style::json)
    print_json(nlohmann::ordered_json{{"healthy", healthy_ && complete_}, {"checks", checks_}}.dump(
        -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
} catch (const Failure&) {
}

void Report::good(const std::string& about, const std::string& what) {
  add(Kind::good, about, what, "");
}

void Report::warning(const std::string& about, const std::string& what, const std::string& advice) {
  add(Kind::warning, about, what, advice);
}

void Report::fault(const std::string& about, const std::string& what, const std::string& advice) {
  healthy_ = false;
  add(Kind::fault, about, what, advice);
}

void Report::add(Kind kind, const std::string& about, const std::string& what,
                 const std::string& advice) {
  const auto& [name, word, colour] = kKinds[static_cast<size_t>(kind)];
  if (style_ == Style::json) {
    checks_.push_back({{"result", name}, {"about", about}, {"what", what}, {"advice", advice}});
    return;
  }
  const bool colours = wants_colours();
  std::printf("%s%s%s  %s: %s%s%s\n", colours ? colour : "", word, colours ? kPlain : "",
              about.c_str(), what.c_str(), advice.empty() ? "" : "\n      ", advice.c_str());
  std::fflush(stdout);  // the next check may take its time
}

}  // namespace mirrord
