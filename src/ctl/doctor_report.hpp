// What the doctor has found: a line for each check while it looks, or JSON at the end; and whether
// anything is wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mirrord {

class Report {
 public:
  enum class Style { lines, json };
  explicit Report(Style style) : style_(style) {}
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;
  /// Prints the JSON, also of an examination that came to no end.
  ~Report();

  void good(const std::string& about, const std::string& what);
  /// Works, but not as it should.
  void warning(const std::string& about, const std::string& what, const std::string& advice);
  /// Keeps something from being mirrored, or a hook from being run.
  void fault(const std::string& about, const std::string& what, const std::string& advice);
  /// All checks were made; whether nothing is wrong.
  bool finish() {
    complete_ = true;
    return healthy_;
  }

 private:
  enum class Kind { good, warning, fault };
  void add(Kind kind, const std::string& about, const std::string& what, const std::string& advice);

  Style style_;
  bool healthy_ = true;
  bool complete_ = false;
  nlohmann::ordered_json checks_ = nlohmann::ordered_json::array();
};

}  // namespace mirrord
