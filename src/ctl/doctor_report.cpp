#include "ctl/doctor_report.hpp"

#include <cstdio>

namespace mirrord {

namespace {

// "Select graphic rendition", ECMA-48 8.3.117.
constexpr const char* kRed = "\033[31m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kYellow = "\033[33m";
constexpr const char* kPlain = "\033[0m";

std::string with_advice(const std::string& what, const std::string& advice) {
  return advice.empty() ? what : what + "\n      " + advice;
}

}  // namespace

void Report::good(const std::string& about, const std::string& what) {
  line("ok  ", kGreen, about + ": " + what);
}

void Report::warning(const std::string& about, const std::string& what, const std::string& advice) {
  line("warn", kYellow, about + ": " + with_advice(what, advice));
}

void Report::fault(const std::string& about, const std::string& what, const std::string& advice) {
  healthy_ = false;
  line("FAIL", kRed, about + ": " + with_advice(what, advice));
}

void Report::line(const char* word, const char* colour, const std::string& text) const {
  std::printf("%s%s%s  %s\n", colours_ ? colour : "", word, colours_ ? kPlain : "", text.c_str());
  std::fflush(stdout);  // the next check may take its time
}

}  // namespace mirrord
