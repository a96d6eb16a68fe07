// Asks polkit whether a caller who is not root may manage the mirror: org.mirrord1.manage.
//
// The question goes over the bus and may take as long as a person takes to type a password; the
// loop goes on meanwhile. Where polkit does not run the answer is no. Owns the questions that are
// not answered yet; destroying or clearing it drops them, and their calls get no answer.
#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <list>
#include <memory>

namespace mirrord {

class Polkit {
 public:
  using Answer = std::function<void(bool allowed)>;
  /// Everybody on the bus can ask.
  static constexpr size_t kMostQuestions = 64;

  /// `answer` comes once, later. Negative errno when it cannot be asked.
  int ask(sd_bus_message* call, Answer answer, sd_bus_error* error);
  void clear() { questions_.clear(); }

 private:
  struct Unref {
    void operator()(sd_bus_slot* slot) const;
  };
  struct Question {
    Polkit* polkit;
    Answer answer;
    std::unique_ptr<sd_bus_slot, Unref> slot;
  };
  static int answered(sd_bus_message* reply, void* data, sd_bus_error* error);

  std::list<Question> questions_;
};

}  // namespace mirrord
