// @ts-check
/**
 * The shapes that the page passes around, in words only: this file holds no code. `Message` and its parts are
 * the server's JSON; what starts with "Shown" is what the page makes of it.
 *
 * @typedef {{id: string, title: string, created: string|number, updated: string|number}} Conversation
 * @typedef {{code: string, message: string, retryable: boolean, trace_id: string|null}} Failure
 * @typedef {{prompt: number, completion: number, total: number, reasoning: number, cached: number, estimated: boolean}} Usage
 * @typedef {{first_byte_ms: number|null, first_token_ms: number|null, total_ms: number}} Timing
 * @typedef {{index: number, text: string}} Step
 *
 * @typedef {object} ToolCall
 * @property {string} id
 * @property {"function"|"mcp"} type
 * @property {string} name
 * @property {unknown} arguments
 * @property {"asked"|"approved"|"denied"|"expired"|null} approval  null where the call needs none
 * @property {number|null} expires    seconds since the epoch: then it is denied
 * @property {boolean} done           its outcome has come
 * @property {unknown} result
 * @property {string|null} error
 * @property {number|null} [since]    milliseconds on the page's clock, where it saw the call begin
 * @property {string|null} [deciding] what the reader has just pressed
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} conversation_id
 * @property {"user"|"assistant"|"system"} role
 * @property {"done"|"running"} status
 * @property {string} content
 * @property {string} reasoning
 * @property {number|null} reasoning_ms  how long it thought; known at the end
 * @property {ToolCall[]} tools
 * @property {Step[]} steps           what an agent announced
 * @property {string|null} finish_reason
 * @property {Failure|null} error
 * @property {Usage|null} usage
 * @property {Timing|null} timing
 * @property {string|null} provider
 * @property {string|null} model
 * @property {string|number} created
 * @property {string|null} events_url  null until the server has taken the question
 *
 * @typedef {object} ShownExtra
 * @property {string} key              stays the same while the message is on the page, also before it has an id
 * @property {number} step             index of the step that is worked on; 0 where none is
 * @property {boolean} stepsTold       the agent itself says which step it works on
 * @property {boolean} stepWorked      something has come since the last step was announced
 * @property {number|null} thinkingSince  milliseconds on the page's clock, while it thinks
 * @property {number} thinkingMs       how long it has thought; 0 where nobody watched it from its start
 * @property {boolean} watched         this page asked, so its clock saw everything
 * @property {boolean} stopping        the reader pressed Stop
 * @property {boolean} waiting         the connection is lost at the moment
 *
 * @typedef {Message & ShownExtra} ShownMessage
 *
 * @typedef {{provider: string, model: string}} Choice
 * @typedef {{default: Choice|null, providers: {name: string, models: string[]}[]}} Catalogue
 * @typedef {{name: string, type: string, server: string|null, description: string, ask: boolean, default: boolean, agent_default: boolean}} Tool
 * @typedef {{tools: Tool[], problems: Record<string, string>, agents: string[]}} Offer
 * @typedef {{text: string, traceId: string|null}} Notice
 *
 * @typedef {object} State
 * @property {Conversation[]} conversations  newest first
 * @property {string|null} conversationId    null on the page of a new chat
 * @property {ShownMessage[]} messages       of that conversation
 * @property {Catalogue} catalogue
 * @property {Choice|null} choice            what the reader picked; null leaves it to the server
 * @property {boolean|null} thinking  null leaves it to the model
 * @property {Offer|null} offer              the server's tools and agents; null until they are known
 * @property {string[]|null} tools           names that the reader picked; null leaves it to the server
 * @property {string|null} agent             null is the model itself
 * @property {Notice|null} notice
 *
 * @typedef {{type: string, [field: string]: any}} Action
 * @typedef {{state: State, previous: State}} Change  the detail of a store's event "change"
 */

export {};
