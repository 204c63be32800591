"""Pickles of the version before tensors had records of their own load, and are what they were.

Made by commit c1c52c1 and compressed: a tensor that was written to after it had been used; one that retains its
gradient; a parameter that was cut after its gradient had arrived; a checkpointed call; a network and its
optimiser after one step; the errors of two checks that failed.
"""

import base64
import copy
import pickle
import zlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import micrograd_np as mg

# fmt: off
STALE = (
    "c-oy%%}c{D6mR#T6ZIq$4?TG7JOsgu2SH&V%s>vqd+A49ifvlbRNZ0VWpjhv_WVEn4>W0a*v4SsJLHADUw$9&v-M3IR#mE-#-YeY"
    "!jC+jqdX2@lbDY{9eQt6NcsUwaEUtGKuOArOn^Fgt}jba=e$hwG4jGpP?VO5jC~>eF{l$y&@khL6lEw4vRxsy0FP?O60kLez8%09"
    "48g@VZcc$6sdgmCIW=DzFSoFm*VCr5?|=~U^sB2nuq7c_^e^f_Klj@m^qBM}S_NBkA~g${zzhP`aG9lA-mv6aq^HT5qu&T?vkp5p"
    "p4jQSqwXFJ<!me|%L_ykno=&`<AQ?fRBOo-lbAW!p21E}|JG+$Ceh_82%`IWtcUGh@wlq#N0D)fRxWL9Z@BF5@@@ogw28;H(KQ>)"
    "0Q~_>snTE"
)
RETAINED = (
    "c-n=KJx{|h5QfvVg`k2|2^E$Mj44CJz`%f@Qa2)bsMw=4F}2miiEIbjp%P2KByT<bC;tGPq(Zbs!h=7~ch9}=y*ECHX_QNK5*qS!"
    "#DmCZnVZpY98)#|b?m=lF7X65;2?FrlO-_|DF=1*TwOMxE?AyqQ`Zkuj@=}WB@H+arl3xJj>D7*$@5Sanawg&H(*hfvH{PSL%%kJ"
    "B@DpvYMwa<a-y1%oMyNvF<<Ury{dles&)?up{Fms%FQz*4A=d3W$5#<I*lIaFzU`U-7{85>S{ED1q_Ml5JNTmLC!S1I{;z_q)9B&"
    "Ds+&u-zqvkT%%VV?UJkPoq?p8aB++i%;Xyt7?f3xAd3rk#P-Yu?CH>BNF^3JtXdq)fHJ>;!Agj&#4D}LAvSUK1O2bBz14S9>Lb^>"
    "&OPX=(fAKkx8PV+{cYv%^1vU*Q66e*b&)59tB1L!JE{>(r~ss_F~(U$69MadzvmL%Z+uzbD*"
)
PRUNED = (
    "c-mD@J!``-5S5*{AEbpqNy$%e7tb96EqJSnhSJ^GvKpDjvXSLd4}mUeW6<X7|I9yVWUC%>aC&#Tckgju)8A(Y4WSo#MrE;<aT<v-"
    "C^P!L$;2A;dGx`gVxQ1~PxQ?ROEFOu67<=tEjrM*qRz`Eh-e{Mkk=cP#Ztx%=&MLFT8K)?nyQ}Z4NPMoQcLLoqaB1!0zdEqK6bFX"
    "1AeK!R5c~*SKPOIX!mwH(as78Ay0oMh6f`BNgK}XL5By6=n>2}x!W3bjP^vCZL$SD?T-NN`h<J@g3o$yemy!*OtWai<)~p{{*TKO"
    "&34rMhNLnX904tOc`*"
)
WHOLE = (
    "c-oy+3s4hR6io;OkoaW^ergA6u_{9*$T)Q@@Wv0u8p-&<skUO=Bpco$*~I-QSW&1Jlj+l9c_N@gt<|>L-#BXh8&PYueCl`9cC;!^"
    "tyZUF3;sWSyBiRq1ll)~+}*qH-h1A?=iXNsx++<xk{9aZWNe%(o1^R&)~#n*z0Ji66vNUSMqQ@Tb48jJ7%CT+;vq%201rlL14c1{"
    "M!Cd*A{N?-%0tWUD2BB-Xi5+{n#ZOPq;rWvD}@GW=hI9!6fk<JjZZgYn?sytV-#+gM{@$5M|=)8KM&VUag>u5B)E~2TAoV@MpksX"
    "^Ys>+i=*{UF_)Zz<EVU$bQX>#hvWrLv<cGAFnK45#M+fDrP!qU0FO~y@iIIG4>qYy8dFFyhOsEjF66su$tc7z0((8mcMVdfV6)jg"
    ";VD`2pGhTPt7nX1`xmq8F4UX^!l4s&_R`C~ZA<2>*EF61zmzYHE&8q2_eAsgt;%n&_!h<wpS`>3BEZDVJfwicH>o`+!l3tOM<8*`"
    "1sH`&C&#b{$wYLUOb9f~yQBhSDi5U?#=t((F<`&8hZsm;l^opjw4q_8PqlMq^}~ki`&D_xlWHbtL0+@|uwTDW(YJ!7@|yi%im{a^"
    "KNM<ZC|<?{qhAn|ybSb?>0S6}GOWxv1P(+M&-n0%)8N2{+C_`Xz6&_9)}WWY`9r`&*{z{{x2iU)aIYduQi3AZT3EspJNAfHq)x)9"
    "e;}z?7w4pMnFW-<xLAy$MpJ?fnu#*W{*2l>LYp>J*3fPq8`G}d+wN(Aw^4-C<s{7`I<XP#s*qMC(ozlw=@9He(E>-==2$q9WeLqK"
    "yg&&&_Q0+k<x#9Etgo%T39^<9`dO0nlL_*B0CSQ8nA344%Zf72p46WPf8-4RdtFK$2z%vN`4P?8ptXmo9l=elN-VCZ*yTI7=I|m("
    ")>N$U5E)qZr2km<Ox-?rmbn&eiobK|)q=yIt07!<E$+B4XxVkm$#&8ds}Qy)(vB7#4!WI&@khJ2@6$&^&*g!~<(HqPZ>{u=@A@X%"
    "vu1PaLxi+MLtWf7$1^<XNCA7~z){VC=aJDU$6eWeurSTLyT{kx1d&5a>1_KgaOddT`wkAe_2OV~tr8(x;-XbzDa~7CX3_TcA`O9Y"
    "D1>P>z2Ixl&o1wn2(`bdT9+y?Fq|g$&@hbp2KEqT6PS7a1`5rjSlHY-#D*s}$rwf`odlx@2AxUWKKV&@ik0jPNE(p1^1yjeR%L$w"
    "<=e->pBb|T_L*_f7eN2yPSgLH>w_B%<teBMOfTHYeYC0x%=$Vbb@8eu-~Vd>wNlQA?$eu=CTUIw5<a<;gl~2;aYwfstC<_YyHP5J"
    "Qjyp;)o{55#;K?5l#`TVlq6b)ScIK+P~>vt<+qSruGO##v(f^=XaqNFrB!DHf8DJ=AG0ihBrMCAmY%=jiUEy8IwjQ>J8dI(r?Gh!"
    "qj1W}%h#2cj6y1paWV^N@*G3<xkPs^ZMU>B^omF)U*?u<j(q2FmduU2EqLHPc)wL#_@E^eeCUObyzsFXX=M+R?O>PyjW7om!5Vml"
    "7AX`ajaXXtnIN4tlys;Yo75<r&U0I+dD%g4%-*3#hMoFkrmy^djN117w*B;xD&BSGMA~hQq93M-mG$Mv6und@)Wz@F!p{xre5+yp"
    "g7fd;wAU{sj7sOzQ-@_It1i_oPF?8NM>Z<@wVa}toQu#%PLZP}U20P2gcH&6C0Q;f@~yp!oFQM5Io&#Cs@i<}WQNr}LXjmS6bLz;"
    "hS0OVOTHMt4(#;YZQN>G4c2aPelv$z4>|#%fAp!5p}qQo>o<2!6W@sfU(GtdCGMX%pg<_<G=yIx?aN~~mVv306R!2Mmw*Mo&vm5L"
    "SNJ*sVbfuJbk}E*Agp`8UKcJrNb7TL1=F;#haW;shY+3(naWAa$30G|2KmW}2f4A;;Hr1SPxRR8U?83u$D^}FZ|ukd(;_#S8jojz"
    "5mRfI{79q%<4VUc{KI7Z$LBJ~4cHzm`ORA&Opg5W>XdOx2vM{aWBtGM1Im8"
)
CHECKPOINTED = (
    "c-oayO-NKh9AEcCS6$0*p^TtQuEaZ}l!%caB>Cb|8e*mlZ{M5UdAV=)`QA*rq)@{8#Sp@dr*1+>m%5pkI(X|;L6;6)BRmCl3~c5-wR"
    "T;C<}fq=ncw_Be)Ic3j&7n@$RDiDwhT9yadi`5M{z7;CTrmgXEop<bP1g2Mc$>cmJ$?!*vq+`Ro@LZMb6qWwVk{IjGPM<n`VinyRM$"
    "+ECF0-<giCvY7mKx`A87}n*pTA)lh*CRi*d}ALU(Yl^QN^RLf!}$vaR!38(w`+G=ncVO0ZM)3lKTG5kpl5uREbY77ecemz)2gIpYI$"
    "wlE^4XtWKyw(=^GEbp!7YeZ`7^PS^PYS1~Q=DlihT^DR=7Jjj&ZO<wcW5wJ8hziavxJnK<0&u;ZHUR7<w4HkJ`GM*R){*)@G`HM%Rl"
    "43{PJnne0pwhqW_|@aZ3&2o-c{3Q{wLx$+PWHB0|@LW5blum4b-f#cDj5k@<0SmBqo>p&>YU;$K&#d6{on6LEFy84#NSt7kcjz<Ec0"
    "N>q0<p6{Af&&>J8B4>4`tIuJOc5^l_Q;qOr%G26mh@q>KKsc>|aDqz(_yQCav;vT_2*?~kfpLg$DZ?9?E4@Ngw}*zsTI2;mpsb~#<n"
    "=Lt#XO=5h6DsntT*=0o_;rSqq}4F`O=-Xfyq-WVqt@?H$D2WwY$^5nfUy^=dJT`ZzDum9nw8OElheYi(h1MxrG_%3WKsUB}tWqJ_~@"
    "8p9d5NwF%y#IR<Ab#D-Kinr4Zzqmc_+`w`98!g|xI2-&%`+1!@+dhp}H`n7$bpp$xu3Zt2YY44vtLG2a0WKio{`t@v&-`k%0_H(#?M"
    "Jh^-CdDk|DA_|3lAQ4)#saefS7@>lPw2i#Z%T3!OJ{SUd^ODCsT`Hfp6Am-FFK3q8QsEMW7Q7LW`#mEnqsjzWEn`Z`M*7K@31%Q#PH"
    "(&&27I&P&ZmY3za$!R&bS+e&XXV4&HRW4&Jkl6Mf)9lZxMA5s%vP+g5{~it6*0Cu)h$K<Jp3?eVn}6)bb*H<An;SO"
)
DISAGREES = (
    "c-n1IF>4e-6uv$0k|-ipk!UlZ#R*|S5fKSoafsl;6(Ox0v$M0eLw0ADH?v;02*l!ufw8(L0aL`%#$O=lFR;<xCWW?wy}sQGXpvV8!#CeI-}l}-=)Jk"
    "q?X=}L3MIfyfhQAPh9Z+<H&ogx>(F0&N^lE30Wg3IypRsEG(hx~?d4^GcVFT@4t(D!mrL|JsWFe)J*IS7xlI;xu{-0CFh1pE<(QD#0nb^Y(o}-fLR#"
    "XoG&kHme6Yzlvrd*QHNYen8Efb@`W~2>#pmd6UJ&YqghUBSb!B9Vl7q5F|4Y`>yr5vg9{M$|d0smu(68&NDC=+{49Kvka;G=|C#S0ukit+@s6^AB@3"
    "&0!t2$Xy78rHrI0|As#BCfzLDZdNcEk4*SC_Jpbkj$8^lJHf$p>3F9*>{>p=yt)<1juNU4Q@k_+)nWYxwT#M1Oz%V~7NkOI1jqgxPww(fDMy{&%@ex"
    "-TC-{yg3}8-A(}2B&YoeQtGY=R>ef&yCJsPL$<SkkVolko0~<qcDy}(ZMR_RXnGE_i2^qJIz*X9R3A05#yH"
)
FAILS = (
    "c-oDWO>fgc5QbCH4;0Z4QA9xqX}BdKL|!|w<DR$xhh9)mNKs^M>`A<;zqGq)8>vWe;N~0VpYem3jT73?RKgeUj-GvY=bhR8w*BjPr?L3Tm#GM4K9xK"
    "QvZ5Qt7+!Qmri9W}dGLwCi_ixtb6NeY%GVq4LW)#qafzxb4?nLa=UC)Y)0+18>TA_1w=<q%RX&>Jc~w51h%6G>R8^y@6+bHXKGySFd?!q}NUQQBLK;"
    "b~MV<vh1!0~R32IW>(NbVkoo$tS6E2dOq*$YxjpO}VB0ehj6F$ZynB+3$T2=AWv#t0zezwLOgn6bV4|NddNwk2r??F$dCcS`5$>$FshsG3vnGX0=BC"
    "dA(@_wt)$Z`!lNnnL2STJxUbPQyL&<K&3Oi*GLqJq}-Da}<a)NYbxtx1w|?e>Ot2b@v+6c~uCnCT9Td3bTfWkiyk3a24NlTWfHC^A?Ibby1>SOA#<$"
    "io;6K5qhmig|(bUsM$%0G{z=u0;roFPo((&Ey76H{1Y7Ot>jEk-BCsQAQ%v&1-;`Icd8No7{nQoqms5Ho!ZpYxf5>>oM1aU3_a<U`BR58d@E&M{sMw"
    "dR1HhI2{-pO_7Za!JV|1B`AMyGH_uZSf{XDxaQYz2v*m3U7uNw12pcruIDf|Se~8rJP$@q7@Dc)_-@bb8O&xj^F7-&n8iHi4;(fcbs!?=E^DubL)Il"
    "B()E2>;W@75dj4Q#4=p#kw7X|Br|<WP>H8LQeZOZMvIe&0_|9mw?#T;<)W?+l-;M6H;r(WPBWH=}XM+TEvFgSSI4Nk%R4yM_w;$<wf#x1wV4*iN&l5"
    "h+XF7;-+JQPhpu4A0ZiY`5Wl(|Ad>(KW=oslwS9v4-Dng}2RzC*+rGFIVDP0S5VkHvlnL8NH#y_fa0?S=lKUVRs8h8Hyp`f=c"
)
# fmt: on


def loaded(text):
    return pickle.loads(zlib.decompress(base64.b85decode(text)))


def test_what_was_written_to_after_its_use_is_still_refused():
    _, z = loaded(STALE)
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_a_gradient_that_was_asked_for_is_retained():
    x, y, z = loaded(RETAINED)
    copy.deepcopy(y)
    pickle.dumps(y)
    z.backward()
    assert_array_equal(y.grad.data, 2 * y.data)
    assert_array_equal(x.grad.data, 8 * x.data)


def test_a_gradient_of_another_shape_is_as_it_was():
    pruned = loaded(PRUNED)
    for x in (pruned, copy.deepcopy(pruned), pickle.loads(pickle.dumps(pruned))):
        assert x.shape == (2,)
        assert_array_equal(x.grad.data, [2.0, 4.0, 6.0])


def test_a_checkpointed_call_is_repeated():
    x, z = loaded(CHECKPOINTED)
    z.backward()
    assert_allclose(x.grad.data, 4 * np.exp(4 * x.data), rtol=1e-12)


def test_a_network_and_its_optimiser_go_on():
    net, optimizer = loaded(WHOLE)
    assert_allclose(net(mg.Tensor(np.ones((3, 2)))).sum().data, 0.59683666092055, rtol=1e-12)
    optimizer.zero_grad()
    (net(mg.Tensor(np.ones((3, 2)))) ** 2).mean().backward()
    optimizer.step()
    assert next(iter(optimizer.state.values()))["step"] == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (DISAGREES, "not all gradients agree with finite differences (x: disagrees).\nfoo: 1 input"),
        (FAILS, "foo: 2 of 13 claims do not hold.\nfoo:\n  declaration is complete                   holds"),
    ],
)
def test_the_error_of_a_check_that_failed_still_shows_its_table(text, says):
    error = loaded(text)
    assert type(error) is mg.GradcheckError
    assert str(error).startswith(says)


def test_losses_are_found_where_they_were():
    from micrograd_np.nn import loss

    assert loss.HingeEmbeddingLoss is mg.nn.HingeEmbeddingLoss
    assert loss.TripletMarginLoss is mg.nn.TripletMarginLoss
