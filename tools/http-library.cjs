/**
 * The parts of undici that Larder uses, in place of the whole when it is bundled: its index runs all there is, fetch, WebSocket, caches and mocks too, which
 * nobody asks for here (10 MB resident, measured).
 */
'use strict';

Object.assign(require('undici/lib/dispatcher/dispatcher').prototype, require('undici/lib/api'));

exports.Agent = require('undici/lib/dispatcher/agent');
exports.EnvHttpProxyAgent = require('undici/lib/dispatcher/env-http-proxy-agent');
exports.Pool = require('undici/lib/dispatcher/pool');
exports.buildConnector = require('undici/lib/core/connect');
exports.errors = require('undici/lib/core/errors');
