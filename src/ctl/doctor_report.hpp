// What the doctor has found, a line for each check, and whether anything is wrong.
#pragma once

#include <string>

namespace mirrord {

class Report {
 public:
  explicit Report(bool colours) : colours_(colours) {}

  void good(const std::string& about, const std::string& what);
  /// Works, but not as it should.
  void warning(const std::string& about, const std::string& what, const std::string& advice);
  /// Keeps something from being mirrored.
  void fault(const std::string& about, const std::string& what, const std::string& advice);
  bool healthy() const { return healthy_; }

 private:
  void line(const char* word, const char* colour, const std::string& text) const;

  bool colours_;
  bool healthy_ = true;
};

}  // namespace mirrord
