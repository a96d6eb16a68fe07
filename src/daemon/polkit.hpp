// Asks polkit whether a caller who is not root may manage the mirror: org.mirrord1.manage.
//
// The question goes over the bus and may take as long as a person takes to type a password; the
// loop goes on meanwhile. Where polkit does not run the answer is no. Owns the questions that are
// not answered yet; one whose caller leaves the bus is dropped, and polkit told so. Destroying or
// clearing it drops them all, and their calls get no answer.
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "daemon/caller.hpp"

namespace mirrord {

class Polkit {
 public:
  using Answer = std::function<void(bool allowed)>;
  /// Everybody on the bus can ask, and nobody may keep the others from asking.
  static constexpr size_t kMostQuestions = 64;
  static constexpr std::ptrdiff_t kMostOfOneUser = 16;

  /// `answer` comes once, later. Negative errno when it cannot be asked.
  int ask(sd_bus_message* call, Answer answer, sd_bus_error* error);
  void clear() { questions_.clear(); }

 private:
  struct Unref {
    void operator()(sd_bus_slot* slot) const;
  };
  struct Question {
    Polkit* polkit;
    std::string id;
    uid_t user;
    Answer answer;
    std::unique_ptr<Caller> caller;
    std::unique_ptr<sd_bus_slot, Unref> slot;
  };
  static int answered(sd_bus_message* reply, void* data, sd_bus_error* error);
  int put(Question& question, sd_bus_message* call);
  /// Takes the question out of the list, to end with what is returned.
  std::list<Question> take(const Question& question);

  std::list<Question> questions_;
  uint64_t last_id_ = 0;
};

}  // namespace mirrord
