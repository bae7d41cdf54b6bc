// @ts-check
/**
 * The types of the page; this file holds no code. `Message` and its parts are the server's JSON,
 * "Shown" is the page's form of it.
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} title
 * @property {number} created   seconds since the epoch
 * @property {number} updated
 * @property {boolean} [pinned]
 * @property {boolean} [running]  an answer is being made
 * @property {boolean} [waiting]  for its reader
 * @property {boolean} [unread]   one has ended that nobody has seen
 * @property {Settings} [settings]
 *
 * @typedef {{instructions?: string, temperature?: number|null, max_tokens?: number|null,
 *   provider?: string|null, model?: string|null}} Settings  of a conversation
 *
 * @typedef {{code: string, message: string, retryable: boolean, trace_id: string|null}} Failure
 * @typedef {object} Usage
 * @property {number} prompt
 * @property {number} completion
 * @property {number} total
 * @property {number} reasoning
 * @property {number} cached
 * @property {boolean} estimated
 * @property {number|null} [cost]
 * @property {string|null} [currency]
 *
 * @typedef {{first_byte_ms: number|null, first_token_ms: number|null, total_ms: number}} Timing
 * @typedef {{index: number, text: string}} Step
 *
 * @typedef {object} ToolCall
 * @property {string} id
 * @property {"function"|"mcp"} type
 * @property {string} name
 * @property {unknown} arguments
 * @property {"asked"|"approved"|"denied"|"expired"|null} approval  null if the call needs none
 * @property {number|null} expires    seconds since the epoch; afterwards it is denied
 * @property {boolean} done           its result or error is known
 * @property {unknown} result
 * @property {string|null} error
 * @property {number|null} [since]    milliseconds on the page's clock, if it saw the call begin
 * @property {string|null} [deciding] the decision that the reader has just pressed
 *
 * @property {Question[]} [questions] that it asks and nobody has replied to
 * @property {Progress|null} [progress] how far it is, if it tells
 *
 * @typedef {object} Question  of a running call to its reader
 * @property {string} question  its id
 * @property {string} message
 * @property {{properties?: Record<string, any>, required?: string[]}} schema  of a flat form
 * @property {number} expires   seconds since the epoch
 *
 * @typedef {{done: number, total: number|null, message: string}} Progress
 *
 * @typedef {object} AnswerSource
 * @property {string} id
 * @property {string} url     empty if it has no address
 * @property {string} title
 * @property {string} quote
 * @property {number} [start]  in characters of the text: the part that the source supports
 * @property {number} [end]
 *
 * @typedef {object} AnswerFile
 * @property {string} id
 * @property {string} media_type
 * @property {string} name
 * @property {string} [url]
 * @property {string} [error]  why there is nothing to show
 *
 * @typedef {{index: number, count: number, ids: string[]}} Versions  index counts from 1
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} conversation_id
 * @property {"user"|"assistant"|"system"} role
 * @property {"done"|"running"} status
 * @property {string} content
 * @property {string} reasoning
 * @property {number|null} reasoning_ms  how long the model thought; known at the end
 * @property {ToolCall[]} tools
 * @property {Step[]} steps           announced by an agent
 * @property {AnswerSource[]} sources
 * @property {AnswerFile[]} files     made by the model, or that a question came with
 * @property {string|null} finish_reason
 * @property {Failure|null} error
 * @property {Usage|null} usage
 * @property {Timing|null} timing
 * @property {string|null} provider
 * @property {string|null} model
 * @property {Choice|null} [answered_by]  a fallback, if the model that was asked failed; known at the end
 * @property {any[]} [parts]           as the server tells them
 * @property {string|null} [trace_id]  of the run
 * @property {string|number} created
 * @property {Versions} [versions]      none until the server has told them
 * @property {string|null} [continues]   the id of the answer whose text this one goes on with
 * @property {string|null} events_url  null until the server has accepted the question
 *
 * @typedef {{type: "text", text: string}
 *   | {type: "thought", text: string, since: number|null, ms: number}
 *   | {type: "calls"|"files", from: number, to: number}
 *   | {type: "plan"}} Part  see parts.js
 *
 * @typedef {object} ShownExtra
 * @property {Part[]} parts            what it is made of, in order
 * @property {string} [root]           the id of the first answer, if this one goes on with it
 * @property {string} key              stays the same while the message is shown, even before it has an id
 * @property {number} step             index of the current step; 0 if there is none
 * @property {boolean} stepsTold       the agent itself says which step is current
 * @property {boolean} stepWorked      an event came since the last step was announced
 * @property {number|null} thinkingSince  milliseconds on the page's clock, while it thinks
 * @property {number} thinkingMs       how long it has thought; 0 if the page did not see it start
 * @property {number|null} askedSince  milliseconds on the page's clock, while a reader's approval is missing
 * @property {number} waitedMs         how long it has waited for the reader
 * @property {boolean} watched         this page asked, so its clock covers all of it
 * @property {boolean} queued          the provider lets it wait for its turn
 * @property {boolean} stopping        the reader pressed Stop
 * @property {boolean} waiting         the connection is lost
 * @property {boolean} [unsent]        the question waits for the connection
 *
 * @typedef {Omit<Message, "parts"> & ShownExtra} ShownMessage
 *
 * @typedef {object} Attached  a file of a draft
 * @property {string} key
 * @property {string} id          empty until it is uploaded
 * @property {string} name
 * @property {string} media_type
 * @property {string} [url]
 *
 * @typedef {{prompt: string, files: Attached[]}} Queued
 * @typedef {{provider: string, model: string}} Choice
 * @typedef {object} ModelFacts  what is known; what is not is missing
 * @property {boolean} [pictures]  whether it takes pictures
 * @property {boolean} [tools]     whether it calls tools
 * @property {"switch"|"always"|"never"} [thinking]
 * @property {number} [context]    tokens
 * @property {{prompt: number, completion: number, currency: string}} [price]  of a million tokens
 *
 * @typedef {{name: string, models: string[], facts?: Record<string, ModelFacts>}} ProviderModels
 * @typedef {{default: Choice|null, providers: ProviderModels[]}} Catalogue
 *
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} type
 * @property {string|null} server      of an MCP tool
 * @property {string} description
 * @property {boolean} ask             a call needs approval
 * @property {boolean} default         offered to a model unless the reader chooses
 * @property {boolean} agent_default   offered to an agent unless the reader chooses
 *
 * @typedef {{tools: Tool[], problems: Record<string, string>, agents: string[]}} Offer
 * @typedef {{text: string, detail: string, traceId: string|null}} Notice
 *
 * @typedef {object} State
 * @property {Conversation[]} conversations  the pinned ones, then the others, newest first
 * @property {string|null} more              where the next page of them begins; null: there is none
 * @property {string|null} conversationId    null on the page of a new chat
 * @property {ShownMessage[]} messages       of that conversation
 * @property {string|null} older             where the page of messages before them ends; null: there are none
 * @property {{id: string, title: string, settings: Settings}|null} opened  the conversation that was opened last
 * @property {Catalogue} catalogue
 * @property {Choice|null} choice            of this conversation: picked, or what gave the last answer
 * @property {Choice|null} usual             what the reader picked last, in any conversation
 * @property {Queued[]} queued               what waits until the running answer is done
 * @property {Attached[]} attached           files of the draft
 * @property {boolean|null} thinking  null leaves it to the model
 * @property {Offer|null} offer              the server's tools and agents; null until they are known
 * @property {string[]|null} tools           names picked by the reader; null leaves them to the server
 * @property {string|null} agent             null is the model itself
 * @property {Notice|null} notice
 * @property {""|"offline"|"away"} connection  what is missing: the network, or the server
 * @property {Queued & {conversationId: string|null}|null} returned  a question that was not sent, for its prompt
 *
 * @typedef {{type: string, [field: string]: any}} Action
 * @typedef {{state: State, previous: State}} Change  the detail of a store's event "change"
 */

export {};
