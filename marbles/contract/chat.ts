import type { Section } from './rule.ts';

export const chat: Section = {
  title: 'Chat streams',
  rules: [
    {
      name: 'The commit is the first content',
      promise:
        'A role, a ping, the name of a tool and an empty piece are none: an attempt that fails before it leaves no trace.',
      shown: {
        ResilientProvider: [
          'An attempt that fails before its first content leaves no trace',
          'Empty pieces are no first content',
          'A call says where it is',
        ],
      },
    },
    {
      name: 'An answer that completes is whole',
      promise:
        'The finish is the proof. Without it a clean end is truncated, and half a tool call is malformed.',
      shown: {
        ResilientProvider: [
          'A good answer passes as it comes',
          'A clean end without a finish is no end',
          'After the finish nothing can break the answer',
          'Half a tool call is no whole answer',
        ],
      },
    },
    {
      name: 'A broken answer ends with what there was',
      promise: "With 'fail' a typed error carries the partial answer, and nobody else is asked.",
      shown: {
        ResilientProvider: "'fail': an answer that breaks after its first content ends with an error",
      },
    },
    {
      name: 'A repair is visible',
      promise:
        'A mark comes with the first word that needs it: retract, resume, switch. What is shown stands until somebody has something better.',
      shown: {
        ResilientProvider: [
          "'restart': the answer begins anew behind a retract mark",
          'What is shown stands until somebody has something better',
          'When the retries are used up, the spare provider answers behind a switch mark',
          'A spare provider that says nothing leaves no mark',
          "'restart': retries and the spare provider stay available after content",
        ],
      },
    },
    {
      name: 'A race is decided by the first word',
      promise:
        'Of attempts at one provider, or of providers. Who loses is closed and leaves no trace but in the ledger, whose line says to whom it was lost. A switch mark says when somebody else has won.',
      shown: {
        ResilientProvider: [
          "'hedge': a second attempt joins one that has not said a word, and the first word wins",
          "'hedge' may race providers: behind a switch mark the one who was faster speaks",
          'An answer that breaks after its race begins anew, and so does the race',
        ],
      },
      tested: {
        'test/matrix/hedge.test.ts': [
          'loses to a second attempt: $adapter',
          'loses to the next provider: $adapter',
        ],
        because: 'a socket is closed over real HTTP',
      },
    },
    {
      name: 'Only what is missing is asked for',
      promise:
        "With 'continue' the answer goes on, by the same model or another one, and what is said twice is left out. Half a tool call, half a thought and a form such as JSON begin anew, and so does a model that refuses.",
      shown: {
        ResilientProvider: [
          "'continue': only what is missing is asked for",
          "'continue': what the model says a second time is left out",
          "'continue': another provider can finish the sentence",
          "'continue': half a tool call is never put together with another half",
          "'continue': a model that refuses to go on begins anew at once",
        ],
      },
      tested: {
        'test/chat/seam.test.ts':
          'wherever it broke and whatever the model repeats of it, in pieces of any size',
        because: 'for random texts, breaks and pieces',
      },
    },
    {
      name: 'Clocks of a chat',
      promise:
        'To the acceptance of the request, to the first content, between two chunks, to the end, and a pace. A ping is no sign of work unless you say so.',
      shown: {
        ResilientProvider: [
          'Who does not even accept the request is left sooner',
          'Empty pieces are no first content',
          "A stall in the middle is cut off by 'each' and begins anew",
          'A ping is no sign of work',
          "Unless 'liveness' says so",
          'A trickle is cut off',
          "'timeout.total' is the time of one provider",
        ],
      },
    },
    {
      name: 'Who is asked next',
      promise:
        'Nobody else for a wrong request, a content filter or the own abort of the caller, unless you say so. A silent provider costs one timeout, and an open circuit passes the question on at once.',
      shown: {
        ResilientProvider: [
          'A wrong request is asked nobody else',
          "'fallbackOn' says otherwise, kind by kind",
          'A silent provider costs one timeout, not three',
          'An open circuit passes the question on at once',
        ],
      },
    },
    {
      name: 'An abort is an error of its own',
      promise:
        'The stream ends with the reason of the signal, never with a completion, and nothing is retried.',
      shown: {
        ResilientProvider: [
          "The caller's abort is an error of its own, never a completion",
          'A cancelled call stops at once, and nobody else is asked',
        ],
      },
    },
    {
      name: 'Over real HTTP',
      promise:
        'What a reader sees of every fault of a provider, fault by fault and adapter by adapter: [What happens when…](what-happens-when.md)',
      tested: {
        'test/matrix/matrix.test.ts': '$when',
        because: 'a socket has no virtual time',
      },
    },
  ],
};
