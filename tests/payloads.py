"""Hostile texts of our own, beside the corpus after OWASP's and DOMPurify's lists: what a model may
write, what a page may be made of, and what a file may bring. Each would run RUN, or ask ELSE for
something, or pass for a part of the page."""

RUN = "window.owned=(window.owned||0)+1"
ELSE = "https://tracker.invalid"
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'><image href='{ELSE}/p.png'/><script>{RUN}</script></svg>"

OURS = [
    # addresses with control characters, other schemes, and the wrong way round
    f"[x](java\tscript:{RUN})", f"[x](&#1;javascript:{RUN})", f"[x](\u200bjavascript:{RUN})", f"[x](javascript\u00ad:{RUN})",
    f"[x](view-source:javascript:{RUN})", "[x](data:text/html;base64,PHNjcmlwdD4=)", f"[x](blob:null/{RUN})", f"[x](intent://x#Intent;scheme=javascript;S.x={RUN};end)",
    f"[\u202egro.elpmaxe\u202c]({ELSE}/bidi)", f"[exa\u200bmple.org]({ELSE}/zero)", f"[example\uff0eorg]({ELSE}/wide)", f"[https://example.org@x]({ELSE}/at)",
    f"![x](data:text/html,<script>{RUN}</script>)", f"![x](data:image/svg+xml;utf8,{SVG})", f"![x](blob:{ELSE}/p)", f"![\u202e\u2066x](  {ELSE}/p.png  'onerror={RUN}')",
    # definitions that come before, behind, twice and in pieces
    f"![x][late]\n\n[late]: {ELSE}/late.png\n", f"[a][twice]\n\n[twice]: https://example.org\n[twice]: javascript:{RUN}\n", f"[x][__proto__]\n\n[__proto__]: javascript:{RUN}\n",
    f"[toString] [constructor][]\n\n[constructor]: {ELSE}\n", f"[^x\" onmouseover={RUN}]\n\n[^x\" onmouseover={RUN}]: y\n", f"[^__proto__]\n\n[^__proto__]: ![x]({ELSE}/note.png)\n",
    # names that would take the place of others
    "<a id=attributes>x</a><a id=attributes name=nodeName>y</a>", "<form id=documentElement><input name=firstChild><input name=innerHTML></form>",
    "<img name=body><img name=cookie><img name=currentScript>", "<a id=trustedTypes><a id=trustedTypes name=defaultPolicy href=x:y>", "<b id=sidebar data-drawer data-send data-template=answer>x</b>",
    "<output name=prompt form=composer>x</output>", "<h1 id=__next data-page-data>{\"recent\":{}}</h1>",
    # what is new in browsers
    f"<div><template shadowrootmode=open><img src={ELSE}/shadow.png><slot></slot></template>x</div>", f"<script type=speculationrules>{{\"prefetch\":[{{\"urls\":[\"{ELSE}/s\"]}}]}}</script>",
    f"<script type=importmap>{{\"imports\":{{\"x\":\"{ELSE}/m.js\"}}}}</script>", f"<button popovertarget=p onclick={RUN}>x</button><b popover id=p onbeforetoggle={RUN}>x</b>",
    f"<button commandfor=p command=show-modal>x</button><dialog id=p open oncancel={RUN}>x</dialog>", f"<a attributionsrc={ELSE}/a href=/x>x</a><img attributionsrc={ELSE}/b>",
    f"<b style='content-visibility:auto' oncontentvisibilityautostatechange={RUN}>x</b>", f"<p style='background:image-set(\"{ELSE}/p.png\" 1x);mask:url({ELSE}/m.svg)'>x</p>",
    f"<iframe srcdoc='&lt;img src={ELSE}/doc.png onerror=parent.{RUN}&gt;' sandbox></iframe>", f"<fencedframe src={ELSE}></fencedframe><portal src={ELSE}></portal>",
    f"<link rel=modulepreload href={ELSE}/m.js><link rel=prerender href={ELSE}><link rel=manifest href={ELSE}/m>", "<meta http-equiv=Content-Security-Policy content=\"script-src *\"><meta name=referrer content=unsafe-url>",
    f"<svg><discard onbegin={RUN} begin=0s /><animateMotion path=M0,0 onend={RUN} dur=1ms /></svg>", f"<math><maction actiontype=statusline xlink:href='javascript:{RUN}'>x</maction></math>",
    # mathematics, code and diagrams
    rf"\(\href{{data:text/html,<script>{RUN}</script>}}{{x}}\)", rf"\(\textcolor{{red;background:url({ELSE}/p.png)}}{{x}}\)", rf"$$\tag{{<img src=x onerror={RUN}>}} x$$", rf"\(\begin{{array}}{{<img src=x onerror={RUN}>}}x\end{{array}}\)",
    "```constructor\nx\n```\n\n```__proto__\ny\n```", f"```\u0000js\" onclick=\"{RUN}\nx\n```", f"~~~<img src=x onerror={RUN}>\nx\n~~~",
    f"```mermaid\n%%{{init: {{\"securityLevel\": \"loose\", \"themeCSS\": \"@import url({ELSE}/a.css)\"}}}}%%\ngraph TD\n A@{{ img: \"{ELSE}/p.png\" }} --> B[\"<iframe srcdoc='<script>{RUN}</script>'>\"]\n click A call eval(\"{RUN}\")\n```",
]  # fmt: skip
