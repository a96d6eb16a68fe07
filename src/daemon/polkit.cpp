#include "daemon/polkit.hpp"

#include <algorithm>
#include <utility>

namespace mirrord {

namespace {

constexpr const char* kPolkit = "org.freedesktop.PolicyKit1";
constexpr const char* kAuthorityPath = "/org/freedesktop/PolicyKit1/Authority";
constexpr const char* kAuthority = "org.freedesktop.PolicyKit1.Authority";
constexpr const char* kAction = "org.mirrord1.manage";
constexpr uint32_t kMayAskThePerson = 1;  // CheckAuthorizationFlags, polkit's D-Bus API
constexpr uint64_t kPatienceUsec = 5 * 60 * 1'000'000ull;

struct MessageUnref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

int user_of(sd_bus_message* call, uid_t& user) {
  sd_bus_creds* creds = nullptr;
  int r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
  if (r >= 0) r = sd_bus_creds_get_euid(creds, &user);
  sd_bus_creds_unref(creds);
  return r;
}

int make_question(sd_bus_message* call, const std::string& id, Message& question) {
  sd_bus_message* message = nullptr;
  int r = sd_bus_message_new_method_call(sd_bus_message_get_bus(call), &message, kPolkit,
                                         kAuthorityPath, kAuthority, "CheckAuthorization");
  question.reset(message);
  bool may_ask = sd_bus_message_get_allow_interactive_authorization(call) > 0;
  // Subject, action, details, flags, and the id to cancel it by.
  if (r >= 0)
    r = sd_bus_message_append(message, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                              sd_bus_message_get_sender(call), kAction, 0,
                              may_ask ? kMayAskThePerson : 0u, id.c_str());
  return r;
}

bool is_allowed(sd_bus_message* reply) {
  if (sd_bus_message_get_error(reply)) return false;
  int authorized = 0;
  int challenge = 0;
  int r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
  if (r > 0) r = sd_bus_message_read(reply, "bb", &authorized, &challenge);
  return r > 0 && authorized != 0;
}

}  // namespace

void Polkit::Unref::operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }

int Polkit::ask(sd_bus_message* call, Answer answer, sd_bus_error* error) {
  uid_t user = 0;
  int r = user_of(call, user);
  if (r < 0) return r;
  if (questions_.size() >= kMostQuestions ||
      std::ranges::count(questions_, user, &Question::user) >= kMostOfOneUser)
    return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many questions to polkit");
  Question& question = questions_.emplace_back();
  question.polkit = this;
  question.id = std::to_string(++last_id_);
  question.user = user;
  question.answer = std::move(answer);
  r = put(question, call);
  if (r < 0) questions_.pop_back();
  return r < 0 ? r : 1;  // will be replied to later
}

int Polkit::put(Question& question, sd_bus_message* call) {
  sd_bus* bus = sd_bus_message_get_bus(call);
  auto left = [this, bus, &question] {
    std::list<Question> ended = take(question);
    // Where that cannot be sent, polkit has left as well.
    (void)sd_bus_call_method_async(bus, nullptr, kPolkit, kAuthorityPath, kAuthority,
                                   "CancelCheckAuthorization", nullptr, nullptr, "s",
                                   ended.back().id.c_str());
  };
  Message message;
  int r = Caller::watch(call, left, question.caller);
  if (r >= 0) r = make_question(call, question.id, message);
  if (r < 0) return r;
  sd_bus_slot* slot = nullptr;
  r = sd_bus_call_async(bus, &slot, message.get(), answered, &question, kPatienceUsec);
  question.slot.reset(slot);
  return r;
}

int Polkit::answered(sd_bus_message* reply, void* data, sd_bus_error*) {
  auto* question = static_cast<Question*>(data);
  std::list<Question> ended = question->polkit->take(*question);
  ended.back().answer(is_allowed(reply));
  return 1;
}

std::list<Polkit::Question> Polkit::take(const Question& question) {
  auto self =
      std::ranges::find_if(questions_, [&](const Question& one) { return &one == &question; });
  std::list<Question> taken;
  taken.splice(taken.end(), questions_, self);
  return taken;
}

}  // namespace mirrord
